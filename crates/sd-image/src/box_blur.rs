//! Pillow's Gaussian blur: three box blurs, whose boxes end between pixels (Gwosdek et al. 2011).

/// An image of 4 bytes a pixel.
pub struct FourBands {
    pub width: usize,
    pub height: usize,
    pub pixels: Vec<[u8; 4]>,
}

/// Blurs an image, equal to Pillow's `GaussianBlur` byte for byte. `sigma` is the standard deviation in pixels.
pub fn gaussian_blur(image: &FourBands, sigma: f32) -> FourBands {
    let radius = box_radius(sigma);
    transposed(&three_times(&transposed(&three_times(image, radius)), radius))
}

const PASSES: f32 = 3.0;

/// Half the length of the boxes, less half a pixel.
fn box_radius(sigma: f32) -> f32 {
    let variance = sigma * sigma / PASSES;
    let length = (12.0 * f64::from(variance) + 1.0).sqrt() as f32;
    let whole = ((f64::from(length) - 1.0) / 2.0).floor() as f32;
    let part = (2.0 * whole + 1.0) * (whole * (whole + 1.0) - 3.0 * variance);
    whole + part / (6.0 * (variance - (whole + 1.0) * (whole + 1.0)))
}

fn three_times(image: &FourBands, radius: f32) -> FourBands {
    let mut pixels = image.pixels.clone();
    for row in pixels.chunks_exact_mut(image.width) {
        (0..3).for_each(|_| blur_row(row, radius));
    }
    FourBands { width: image.width, height: image.height, pixels }
}

/// Replaces each pixel by the mean of a box, which has whole pixels and parts of those at its ends. The ends of the row
/// continue beyond it.
fn blur_row(row: &mut [[u8; 4]], radius: f32) {
    const ONE: u32 = 1 << 24;
    let whole = radius as usize;
    let inner = (ONE as f32 / (radius * 2.0 + 1.0)) as u32;
    let outer = (ONE - (2 * whole as u32 + 1) * inner) / 2;
    let old = row.to_vec();
    let at = |x: usize, offset: isize| old[x.saturating_add_signed(offset).min(old.len() - 1)];
    let (reach, mut sums) = (whole as isize, [0_u32; 4]);
    for offset in -reach..=reach {
        add(&mut sums, at(0, offset));
    }
    for (x, new) in row.iter_mut().enumerate() {
        let (left, right) = (at(x, -reach - 1), at(x, reach + 1));
        *new = std::array::from_fn(|i| {
            let ends = u32::from(left[i]) + u32::from(right[i]);
            ((sums[i] * inner + ends * outer + ONE / 2) >> 24) as u8
        });
        add(&mut sums, right);
        let last = at(x, -reach);
        sums.iter_mut().zip(last).for_each(|(sum, byte)| *sum -= u32::from(byte));
    }
}

fn add(sums: &mut [u32; 4], pixel: [u8; 4]) {
    sums.iter_mut().zip(pixel).for_each(|(sum, byte)| *sum += u32::from(byte));
}

fn transposed(image: &FourBands) -> FourBands {
    let pixels = (0..image.width).flat_map(|x| image.pixels[x..].iter().step_by(image.width)).copied().collect();
    FourBands { width: image.height, height: image.width, pixels }
}
