use burn::tensor::{Int, Tensor, TensorData};

/// Blurs a denoised image where a prediction paid attention, for self-attention guidance (Hong et al. 2023; `sag_masking` of
/// diffusers).
///
/// The network then predicts again for `degraded + (x − denoised)`, which has the noise of `x` (in variance-exploding form).
/// The blur is Gaussian with a standard deviation of 1 over 9×9 values and mirrors the image at its edges.
///
/// # Shapes
///
/// - denoised: `[images, channels, height, width]`
/// - attention: `[images, rows, columns]`, from the self-attention of the middle block: how much attention each place got in all, as the mean
///   over heads; above 1 is much
/// - output: as denoised
pub fn degrade(denoised: Tensor<4>, attention: Tensor<3>) -> Tensor<4> {
    let [images, _, height, width] = denoised.dims();
    let [_, rows, columns] = attention.dims();
    let nearest = |size: usize, of: usize| {
        let indices: Vec<i64> = (0..size).map(|index| (index * of / size) as i64).collect();
        Tensor::<1, Int>::from_data(TensorData::new(indices, [size]), &denoised.device())
    };
    let is_attended = attention.reshape([images, 1, rows, columns]).greater_scalar(1.0);
    let mask = Tensor::zeros([images, 1, rows, columns], (&denoised.device(), denoised.dtype()));
    let mask = mask.mask_fill(is_attended, 1.0);
    let mask = mask.select(2, nearest(height, rows)).select(3, nearest(width, columns));
    let blurred = blurring(height, &denoised).matmul(denoised.clone()).matmul(blurring(width, &denoised).transpose());
    blurred * mask.clone() + denoised * (mask.neg() + 1.0)
}

/// The blur of a column as a matrix that multiplies it, `[1, 1, size, size]`.
fn blurring(size: usize, like: &Tensor<4>) -> Tensor<4> {
    let weights: Vec<f64> = (-4..=4).map(|offset: i32| (-0.5 * f64::from(offset * offset)).exp()).collect();
    let sum: f64 = weights.iter().sum();
    let mut matrix = vec![0.0; size * size];
    for row in 0..size {
        for (weight, offset) in weights.iter().zip(-4..) {
            matrix[row * size + mirrored(row as isize + offset, size)] += weight / sum;
        }
    }
    Tensor::from_data(TensorData::new(matrix, [1, 1, size, size]), (&like.device(), like.dtype()))
}

/// The index that an index beyond the edges mirrors, again and again where the image is smaller than the blur.
fn mirrored(index: isize, size: usize) -> usize {
    let last = size as isize - 1;
    let index = index.rem_euclid((2 * last).max(1));
    index.min(2 * last - index).max(0) as usize
}
