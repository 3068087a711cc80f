use burn::tensor::{Device, Tensor, TensorData};
use sd_samplers::{Denoiser, FreshNoise, Noise, Sampler, sample};
use sd_schedule::NoiseLevels;

use crate::Gaussian;
use crate::layout::values;
use crate::probes::{Probes, Recorder};

/// The map of a walk down some levels on images of [`Gaussian`] data: `offset + gain·x`, plus fresh noise.
///
/// Every walk has this form, because the exact denoiser is affine and so is every step. (Samplers that clip are not
/// affine.) Probing the walk gives the map, and so the distribution of a sampler's images to the rounding of `f64`.
#[derive(Debug, Clone, PartialEq)]
pub struct Affine {
    /// The end of a walk from 0, for each coordinate.
    pub offset: Vec<f64>,
    /// The factor of a difference at the start, for each coordinate.
    pub gain: Vec<f64>,
    /// The standard deviation of the fresh noise at the end, for each coordinate.
    pub noise: Vec<f64>,
}

impl Affine {
    /// Walks `sampler` down `levels` twice: once to record which noise it draws, and once with one image that is 0, one
    /// that is 1, and one for each source of noise.
    ///
    /// # Panics
    ///
    /// Panics if a sampler of [`FreshNoise::Never`] draws noise, and as [`sample`] does.
    pub fn new(
        sampler: &dyn Sampler,
        data: &Gaussian,
        levels: &NoiseLevels,
        fresh: FreshNoise,
        device: &Device,
    ) -> Self {
        Self::of(sampler, &mut data.denoiser(), data.mean.len(), levels, fresh, device)
    }

    /// As [`new`](Self::new), for any affine `model` of images of so many `coordinates`.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new), and if the model fails.
    pub fn of(
        sampler: &dyn Sampler,
        model: &mut dyn Denoiser,
        coordinates: usize,
        levels: &NoiseLevels,
        fresh: FreshNoise,
        device: &Device,
    ) -> Self {
        let mut walk =
            |noise: &mut dyn Noise, start: &[f64]| walk(sampler, model, coordinates, levels, noise, start, device);
        let mut recorder = Recorder::default();
        walk(&mut recorder, &[0.0]);
        let mut probes = Probes::new(&recorder.draws, fresh, 2);
        let mut start = vec![0.0; 2 + probes.sources];
        start[1] = 1.0;
        let ends = walk(&mut probes, &start);
        Self {
            offset: ends.iter().map(|row| row[0]).collect(),
            gain: ends.iter().map(|row| row[1] - row[0]).collect(),
            noise: ends.iter().map(|row| row[2..].iter().fold(0.0, |sum: f64, x| sum.hypot(x - row[0]))).collect(),
        }
    }

    /// Returns the distribution of the ends, given that of the start.
    pub fn apply(&self, start: &Gaussian) -> Gaussian {
        let stds = start.std.iter().zip(&self.gain).zip(&self.noise);
        Gaussian {
            mean: start
                .mean
                .iter()
                .zip(&self.gain)
                .zip(&self.offset)
                .map(|((m, gain), offset)| offset + gain * m)
                .collect(),
            std: stds.map(|((s, gain), noise)| (gain * s).hypot(*noise)).collect(),
        }
    }
}

/// Returns the ends of images that start with the same value in every coordinate; a row for each coordinate.
fn walk(
    sampler: &dyn Sampler,
    model: &mut dyn Denoiser,
    coordinates: usize,
    levels: &NoiseLevels,
    noise: &mut dyn Noise,
    start: &[f64],
    device: &Device,
) -> Vec<Vec<f64>> {
    let shape = [1, 1, coordinates, start.len()];
    let x = TensorData::new(start.repeat(coordinates), shape);
    let x = Tensor::from_data(x, (device, burn::tensor::DType::F64));
    let end = sample(sampler, model, noise, x, levels).expect("an exact denoiser does not fail");
    values(end).chunks(start.len()).map(<[f64]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use sd_samplers::{Ddim, Ddpm, DenoiseError, StepContext, TorchNoise, Variance};

    use super::*;
    use crate::evenly_in_t;

    fn data() -> Gaussian {
        Gaussian { mean: vec![0.4, -2.0], std: vec![0.5, 3.0] }
    }

    fn affine(sampler: &impl Sampler, steps: usize, fresh: FreshNoise) -> Affine {
        Affine::new(sampler, &data(), &evenly_in_t(steps), fresh, &Device::flex())
    }

    /// A step of DDIM multiplies the distance to the mean by `(std² + from·to)/(std² + from²)`.
    #[test]
    fn a_deterministic_walk_is_the_product_of_its_steps() {
        let affine = affine(&Ddim::new(0.0), 10, FreshNoise::Never);
        for (i, (m, s)) in data().mean.into_iter().zip(data().std).enumerate() {
            let gain: f64 =
                evenly_in_t(10).pairs().map(|(from, to)| (s * s + from * to) / (s * s + from * from)).product();
            assert!((affine.gain[i] - gain).abs() < 1e-14);
            assert!((affine.offset[i] - m * (1.0 - gain)).abs() < 1e-14);
            assert_eq!(affine.noise[i], 0.0);
        }
    }

    /// Images drawn with random noise, against the computed distribution.
    #[test]
    fn the_distribution_is_that_of_many_draws() {
        let (sampler, levels, device) = (Ddpm::new(Variance::FixedSmall), evenly_in_t(10), Device::flex());
        let affine = affine(&sampler, 10, FreshNoise::Steps);
        let start = data().marginal(levels.first());
        let expected = affine.apply(&start);

        let mut noise = TorchNoise::new(0);
        let like: Tensor<4> = Tensor::zeros([1, 1, 2, 20_000], (&device, burn::tensor::DType::F64));
        let column =
            |c: &[f64]| Tensor::<4>::from_data(TensorData::new(c.to_vec(), [1, 1, 2, 1]), (&device, like.dtype()));
        let x = noise.start(&like) * column(&start.std) + column(&start.mean);
        let ends = values(sample(&sampler, &mut data().denoiser(), &mut noise, x, &levels).unwrap());
        for (i, ends) in ends.chunks(20_000).enumerate() {
            let mean = ends.iter().sum::<f64>() / 20_000.0;
            let std = (ends.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 20_000.0).sqrt();
            // Four standard errors: 0.028 standard deviations for the mean, 2 percent for the standard deviation.
            assert!((mean - expected.mean[i]).abs() < 0.028 * expected.std[i], "{mean} of {expected:?}");
            assert!((std / expected.std[i] - 1.0).abs() < 0.02, "{std} of {expected:?}");
        }
    }

    /// Draws the noise of the same interval twice, and adds both.
    struct Twice;

    impl Sampler for Twice {
        fn step(&self, context: &mut StepContext, x: Tensor<4>, from: f64, to: f64) -> Result<Tensor<4>, DenoiseError> {
            Ok(context.noise.draw(&x, from, to) + context.noise.draw(&x, from, to) + x)
        }
    }

    #[test]
    fn an_interval_drawn_twice_is_the_same_noise_only_on_a_path() {
        let noise = |fresh| affine(&Twice, 5, fresh).noise[0];
        assert!((noise(FreshNoise::Steps) - 10.0_f64.sqrt()).abs() < 1e-13);
        assert!((noise(FreshNoise::Path) - 20.0_f64.sqrt()).abs() < 1e-13);
    }

    #[test]
    #[should_panic(expected = "drew 10 times")]
    fn noise_of_a_sampler_that_should_draw_none_is_a_panic() {
        affine(&Ddim::new(1.0), 10, FreshNoise::Never);
    }
}
