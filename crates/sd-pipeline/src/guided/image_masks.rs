use burn::tensor::{DType, Device, Tensor, TensorData};

use crate::Mask;

/// Shares of a mask for the feature maps of each level, the finest of `[height, width]` first: `[1, height·width, 1]` each.
///
/// As in diffusers' `IPAdapterMaskProcessor`: the mask is 1 where it is at least half white, else 0, and interpolated with cubic
/// polynomials without antialiasing.
pub(super) fn masks(mask: &Mask, [height, width]: [usize; 2], device: &Device) -> Vec<Tensor<3>> {
    let coarser = |[height, width]: &[usize; 2]| (height * width > 1).then(|| [height.div_ceil(2), width.div_ceil(2)]);
    let sizes = std::iter::successors(Some([height, width]), coarser);
    let tensor = |[height, width]: [usize; 2]| {
        let values: Vec<f32> = interpolated(mask, height, width).into_iter().map(|value| value as f32).collect();
        Tensor::from_data(TensorData::new(values, [1, height * width, 1]), (device, DType::F32))
    };
    sizes.map(tensor).collect()
}

/// As PyTorch's `interpolate` with `bicubic`.
fn interpolated(mask: &Mask, height: usize, width: usize) -> Vec<f64> {
    let (rows, columns) = (taps(mask.height, height), taps(mask.width, width));
    let value = |x: usize, y: usize| if mask.values[y * mask.width + x] >= 128 { 1.0 } else { 0.0 };
    let along = |y: usize, column: &[(usize, f64); 4]| column.iter().map(|(x, w)| w * value(*x, y)).sum::<f64>();
    let at = |row: &[(usize, f64); 4], column| row.iter().map(|(y, w)| w * along(*y, column)).sum();
    rows.iter().flat_map(|row| columns.iter().map(move |column| at(row, column))).collect()
}

/// For each of `to` values the four of `from` that it is made of, with their weights; the edges are continued.
fn taps(from: usize, to: usize) -> Vec<[(usize, f64); 4]> {
    let scale = from as f64 / to as f64;
    let tap = |i: usize| {
        let centre = (i as f64 + 0.5) * scale - 0.5;
        let (first, share) = (centre.floor() as isize - 1, centre - centre.floor());
        let distances = [share + 1.0, share, 1.0 - share, 2.0 - share];
        let index = |j: usize| (first + j as isize).clamp(0, from as isize - 1) as usize;
        std::array::from_fn(|j| (index(j), cubic(distances[j])))
    };
    (0..to).map(tap).collect()
}

/// Keys' cubic convolution kernel with a = −0.75, PyTorch's choice.
fn cubic(x: f64) -> f64 {
    const A: f64 = -0.75;
    match x {
        x if x <= 1.0 => ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0,
        x => ((A * x - 5.0 * A) * x + 8.0 * A) * x - 4.0 * A,
    }
}
