use std::f64::consts::TAU;

use burn::prelude::*;
use burn::tensor::DType;
use sd_ops::{image, join, tokens};

/// Factors that strengthen a [`Unet`](crate::Unet)'s feature maps against its skip connections at the two coarsest
/// resolutions of the way up (Si et al. 2023; diffusers' `enable_freeu`).
///
/// With ones the prediction is the plain one up to rounding. The authors use b1 1.3, b2 1.4, s1 0.9 and s2 0.2 for Stable
/// Diffusion XL.
#[derive(Config, Debug, Copy, PartialEq)]
pub struct FreeU {
    /// Factor of the first half of the feature maps' channels at the coarsest resolution, above 1 for an effect.
    pub b1: f64,
    /// The same at the second resolution.
    pub b2: f64,
    /// Factor of the skip connections' low frequencies at the coarsest resolution, below 1 for an effect.
    pub s1: f64,
    /// The same at the second resolution.
    pub s2: f64,
}

impl FreeU {
    /// The factors of each resolution, the coarsest first.
    pub(crate) fn stages(self) -> [Stage; 2] {
        [Stage { b: self.b1, s: self.s1 }, Stage { b: self.b2, s: self.s2 }]
    }
}

/// The factors of one resolution.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stage {
    b: f64,
    s: f64,
}

impl Stage {
    /// Changes a feature map and the skip connection that joins it; shapes: `[batch, channels, height, width]`.
    pub fn apply(self, x: Tensor<4>, skip: Tensor<4>) -> (Tensor<4>, Tensor<4>) {
        let [_, channels, ..] = x.dims();
        let half = channels / 2;
        let stronger = x.clone().slice_dim(1, 0..half) * self.b;
        (join(stronger, x.slice_dim(1, half..channels)), scale_low(skip, self.s))
    }
}

/// Multiplies the frequencies 0 and −1 along each axis by `s`; shapes: `[batch, channels, height, width]`.
///
/// The reference scales a box of 2×2 in the centre of a Fourier transform, and keeps the real part of the inverse. The same is
/// a projection on the waves of those frequencies.
fn scale_low(x: Tensor<4>, s: f64) -> Tensor<4> {
    let [.., height, width] = x.dims();
    let waves = low_waves(height, width, &x.device());
    let pixels = tokens(x.clone()).cast(DType::F32);
    let spectrum = waves.clone().matmul(pixels.clone()) * ((s - 1.0) / (height * width) as f64);
    let scaled = pixels + waves.swap_dims(1, 2).matmul(spectrum);
    image(scaled.cast(x.dtype()), height, width)
}

/// Returns the cosine and the sine of each of those frequencies as images, `[1, images, height·width]`.
fn low_waves(height: usize, width: usize, device: &Device) -> Tensor<3> {
    // A single pixel has only the frequency 0.
    let frequencies = |length: usize| 0..length.min(2);
    let mut waves = Vec::new();
    for (vertical, horizontal) in frequencies(height).flat_map(|v| frequencies(width).map(move |h| (v, h))) {
        let phase = |pixel: usize| {
            let (row, column) = (pixel / width, pixel % width);
            TAU * ((vertical * row) as f64 / height as f64 + (horizontal * column) as f64 / width as f64)
        };
        waves.extend((0..height * width).map(|pixel| phase(pixel).cos() as f32));
        waves.extend((0..height * width).map(|pixel| phase(pixel).sin() as f32));
    }
    let images = waves.len() / (height * width);
    Tensor::from_data(TensorData::new(waves, [1, images, height * width]), device)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the reference does with a plain discrete Fourier transform; frequency −1 is the last one.
    fn scale_low_by_transform(x: &[f64], height: usize, width: usize, s: f64) -> Vec<f64> {
        let turn = |k: usize, l: usize, pixel: usize| {
            let (row, column) = (pixel / width, pixel % width);
            TAU * ((k * row) as f64 / height as f64 + (l * column) as f64 / width as f64)
        };
        let mut result = vec![0.0; x.len()];
        for (k, l) in (0..height).flat_map(|k| (0..width).map(move |l| (k, l))) {
            let sum = |part: fn(f64) -> f64| x.iter().enumerate().map(|(p, x)| x * part(-turn(k, l, p))).sum::<f64>();
            let (real, imaginary) = (sum(f64::cos), sum(f64::sin));
            let is_low = (k == 0 || k == height - 1) && (l == 0 || l == width - 1);
            let factor = if is_low { s } else { 1.0 } / x.len() as f64;
            for (p, result) in result.iter_mut().enumerate() {
                let angle = turn(k, l, p);
                *result += factor * (real * angle.cos() - imaginary * angle.sin());
            }
        }
        result
    }

    #[test]
    fn low_frequencies_are_scaled_as_by_a_fourier_transform() {
        let device = Device::flex();
        for (height, width) in [(1, 1), (1, 5), (2, 1), (2, 2), (3, 2), (4, 6), (5, 7), (8, 3)] {
            let x: Vec<f64> = (0..height * width).map(|i| f64::from((i * i * 7 % 11) as f32) - 4.5).collect();
            let values = TensorData::new(x.iter().map(|x| *x as f32).collect(), [1, 1, height, width]);
            for s in [0.0, 0.2, 1.0, 1.7] {
                let found = scale_low(Tensor::from_data(values.clone(), &device), s);
                let expected = scale_low_by_transform(&x, height, width, s);
                for (a, b) in found.into_data().try_to_vec::<f32>().unwrap().into_iter().zip(expected) {
                    assert!((f64::from(a) - b).abs() < 1e-5, "{height}×{width} by {s}: {a} instead of {b}");
                }
            }
        }
    }

    #[test]
    fn half_precision_is_rounded_at_the_end_alone() {
        let x = Tensor::<4>::ones([1, 1, 40, 40], &Device::flex()).cast(DType::F16);
        let scaled = scale_low(x, 0.5);
        assert_eq!(scaled.dtype(), DType::F16);
        let values = scaled.cast(DType::F32).into_data().try_to_vec::<f32>().unwrap();
        assert!(values.iter().all(|value| (value - 0.5).abs() < 1e-3));
    }

    #[test]
    fn the_first_half_of_the_channels_is_scaled() {
        let ones = Tensor::<4>::ones([1, 4, 1, 1], &Device::flex());
        let (x, skip) = Stage { b: 1.5, s: 1.0 }.apply(ones.clone(), ones);
        let values = |x: Tensor<4>| x.into_data().try_to_vec::<f32>().unwrap();
        assert_eq!((values(x), values(skip)), (vec![1.5, 1.5, 1.0, 1.0], vec![1.0; 4]));
    }
}
