//! The DDIM paper's table of reconstruction (Song et al. 2021, table 2), with an exact network.

use burn::tensor::Device;
use sd_exact::{Gaussian, images, points};
use sd_samplers::{Ddim, TorchNoise, invert, sample};

use crate::eta::levels;
use crate::problems::spectrum;

/// The paper's numbers of steps, `S`.
pub const STEPS: [usize; 7] = [10, 20, 50, 100, 200, 500, 1000];

/// The paper's mean squared errors on CIFAR-10, per dimension and with pixels from 0 to 1, rounded to 1e-4 there.
pub const PAPER: [f64; 7] = [0.014, 0.0065, 0.0023, 0.0009, 0.0004, 0.0001, 0.0001];

/// Those of the built-in model on 8 held-out scenes, mean and median, from `cargo run --release --example inversion`.
pub const BUILT_IN: [[f64; 7]; 2] = [
    [3.54e-2, 2.34e-2, 6.00e-3, 5.45e-3, 2.96e-6, 3.48e-7, 8.77e-8],
    [1.82e-2, 1.11e-4, 2.21e-5, 3.95e-6, 9.77e-7, 1.64e-7, 4.22e-8],
];

/// Data as varied as pixels from −1 to 1, with an image's falling spectrum.
pub fn data() -> Gaussian {
    spectrum(64, 3.1, 1.0)
}

/// The mean squared error of data that is inverted and drawn again in so many steps each, as of pixels from 0 to 1.
pub fn error(data: &Gaussian, steps: usize) -> f64 {
    // On a Gaussian, inverting and drawing multiply each coordinate's distance from its mean. So the error of an image one
    // standard deviation away is that of all images.
    let x = images::<64>(&[std::array::from_fn(|k| data.mean[k] + data.std[k])], &Device::flex());
    let (levels, mut model) = (levels(steps, 0.0), data.denoiser());
    let noise = invert(&mut model, x.clone(), &levels).expect("the model does not fail");
    let drawn = sample(&Ddim::new(0.0), &mut model, &mut TorchNoise::new(0), noise, &levels);
    let residues = points::<64>(drawn.expect("the model does not fail") - x);
    residues.as_flattened().iter().map(|residue| (residue / 2.0).powi(2)).sum::<f64>() / 64.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_is_as_varied_as_pixels() {
        let square = data().std.iter().map(|s| s * s).sum::<f64>() / 64.0;
        assert!((square - 0.25).abs() < 0.01, "{square}");
    }

    /// The error is of order 1, so its square falls with the square of the steps.
    #[test]
    fn the_error_falls_as_in_the_paper_and_with_many_steps_at_order_1() {
        let measured = STEPS.map(|steps| (steps, error(&data(), steps)));
        assert!(measured.windows(2).all(|pair| pair[1].1 < pair[0].1), "{measured:?}");
        let order = sd_exact::order(&measured[3..]);
        assert!((order - 2.0).abs() < 0.25, "{order}");
    }
}
