//! Gaussians as OpenCV has them.

use std::ops::{AddAssign, Mul};

/// Returns the weights of a Gaussian that ends about `reach` standard deviations from its middle. They sum to 1.
pub fn kernel(sigma: f64, reach: f64) -> Vec<f64> {
    let length = (sigma * reach * 2.0 + 1.0).round_ties_even() as usize | 1;
    let middle = (length / 2) as f64;
    let weights: Vec<f64> = (0..length).map(|i| (-0.5 * ((i as f64 - middle) / sigma).powi(2)).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / sum).collect()
}

/// Convolves the rows, and then the columns, of an image with a symmetric kernel of odd length. The border reflects, and does not
/// repeat its last pixel.
///
/// # Shapes
///
/// - `values` and output: `[height, width, 3]`
pub fn convolve<T>(values: &[T], width: usize, height: usize, kernel: &[T]) -> Vec<T>
where
    T: Copy + Default + AddAssign + Mul<Output = T>,
{
    let (radius, stride) = (kernel.len() / 2, 3 * width);
    let mut rows = vec![T::default(); values.len()];
    for (sums, row) in rows.chunks_exact_mut(stride).zip(values.chunks_exact(stride)) {
        // The row with its reflections at both ends, so that the inner loop has no borders.
        let pixels = (0..width + 2 * radius).flat_map(|i| &row[3 * reflected(i, radius, width)..][..3]);
        let extended: Vec<T> = pixels.copied().collect();
        for (i, weight) in kernel.iter().enumerate() {
            add(sums, &extended[3 * i..], *weight);
        }
    }
    let mut out = vec![T::default(); values.len()];
    for (y, sums) in out.chunks_exact_mut(stride).enumerate() {
        for (i, weight) in kernel.iter().enumerate() {
            add(sums, &rows[stride * reflected(y + i, radius, height)..], *weight);
        }
    }
    out
}

fn add<T: Copy + AddAssign + Mul<Output = T>>(sums: &mut [T], values: &[T], weight: T) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += weight * *value;
    }
}

/// The place in a line of `length` pixels of pixel `i` of the line that has `radius` more at both ends.
fn reflected(i: usize, radius: usize, length: usize) -> usize {
    let last = length - 1;
    if last == 0 {
        return 0;
    }
    let at = (i as isize - radius as isize).rem_euclid(2 * last as isize) as usize;
    if at > last { 2 * last - at } else { at }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_is_a_bell_with_the_sum_and_the_variance_of_one() {
        for sigma in [0.8, 2.0, 9.0] {
            let weights = kernel(sigma, 6.0);
            let middle = (weights.len() / 2) as f64;
            let moment =
                |power| weights.iter().enumerate().map(|(i, w)| w * (i as f64 - middle).powi(power)).sum::<f64>();
            assert!((moment(0) - 1.0).abs() < 1e-12 && moment(1).abs() < 1e-12);
            assert!((moment(2) - sigma * sigma).abs() < 1e-3 * sigma * sigma, "{sigma}: {}", moment(2));
        }
        assert_eq!(kernel(0.01, 3.0), [1.0]);
        assert_eq!((kernel(9.0, 3.0).len(), kernel(5.0, 4.0).len()), (55, 41));
    }

    #[test]
    fn a_line_is_reflected_without_its_ends() {
        let found: Vec<usize> = (0..12).map(|i| reflected(i, 4, 3)).collect();
        assert_eq!(found, [0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2, 1]);
    }
}
