//! The learned variance of DDPM, said by a model that knows the best one: few steps then draw the data exactly.

use burn::tensor::{Device, Tensor};
use sd_exact::{Affine, Gaussian, evenly_in_t, images};
use sd_samplers::{
    Ddim, Ddpm, DenoiseError, Denoiser, Estimate, FreshNoise, NoVariance, Sampler, TorchNoise, Variance, sample,
};

/// The data drawn in so many steps, and the exact data.
fn drawn(sampler: &impl Sampler, data: &Gaussian, steps: usize) -> (Gaussian, Gaussian) {
    let levels = evenly_in_t(steps);
    let (mut model, count) = (data.ancestral(&levels), data.mean.len());
    let affine = Affine::of(sampler, &mut model, count, &levels, FreshNoise::Steps, &Device::flex());
    (affine.apply(&data.marginal(levels.first())), data.marginal(levels.last()))
}

/// Data of any width, also wider than that for which the large variance is the best.
#[test]
fn few_steps_with_the_best_variance_draw_the_data_exactly() {
    let data = Gaussian { mean: vec![0.4, -1.0, 2.0, 0.0], std: vec![0.1, 0.5, 0.8, 3.0] };
    for steps in [1, 2, 4] {
        let (found, exact) = drawn(&Ddpm::new(Variance::LearnedRange), &data, steps);
        assert!(found.frechet(&exact) < 1e-26, "{steps}: {found:?} instead of {exact:?}");
        for (fixed, sign) in [(Variance::FixedSmall, -1.0), (Variance::FixedLarge, 1.0)] {
            let (found, exact) = drawn(&Ddpm::new(fixed), &data, steps);
            println!("{steps} steps, {fixed:?}: {:.3?} instead of {:.3?}", found.std, exact.std);
            // The large variance is too small for the last coordinate.
            let off = |i: usize| sign * (found.std[i] / exact.std[i] - 1.0);
            assert!((0..3).all(|i| off(i) > 0.0) && off(1) > 0.1, "{steps}: {found:?} instead of {exact:?}");
        }
    }
}

/// Says the best variance itself, in variance-preserving form, as networks for diffusers' `learned` do.
struct Absolute<'a>(&'a Gaussian, f64);

impl Denoiser for Absolute<'_> {
    fn denoise(&mut self, x: Tensor<4>, sigma: f64) -> Result<Tensor<4>, DenoiseError> {
        self.0.denoiser().denoise(x, sigma)
    }

    fn estimate(&mut self, x: Tensor<4>, from: f64) -> Result<Estimate, DenoiseError> {
        let (std, to) = (self.0.std[0], self.1);
        let best = (std * std + to * to) * (from - to) * (from + to) / (std * std + from * from);
        Ok(Estimate { variance: Some(x.full_like(best / (1.0 + to * to))), denoised: self.denoise(x, from)? })
    }
}

#[test]
fn a_variance_that_is_said_in_full_is_taken_in_variance_preserving_form() {
    let (data, levels) = (Gaussian { mean: vec![0.4], std: vec![0.5] }, evenly_in_t(1));
    let (sampler, mut model) = (Ddpm::new(Variance::Learned), Absolute(&data, levels.last()));
    let affine = Affine::of(&sampler, &mut model, 1, &levels, FreshNoise::Steps, &Device::flex());
    let (found, exact) = (affine.apply(&data.marginal(levels.first())), data.marginal(levels.last()));
    assert!(found.frechet(&exact) < 1e-26, "{found:?} instead of {exact:?}");
}

#[test]
fn samplers_with_a_variance_of_their_own_do_not_read_the_learned_one() {
    let data = Gaussian { mean: vec![0.4], std: vec![0.5] };
    let (small, ddim) = (drawn(&Ddpm::new(Variance::FixedSmall), &data, 3).0, drawn(&Ddim::new(1.0), &data, 3).0);
    assert!(small.frechet(&ddim) < 1e-28, "{small:?} {ddim:?}");
}

#[test]
fn a_model_without_a_learned_variance_is_an_error() {
    let (data, levels) = (Gaussian { mean: vec![0.4], std: vec![0.5] }, evenly_in_t(2));
    let (sampler, x) = (Ddpm::new(Variance::LearnedRange), images(&[[1.0]], &Device::flex()));
    let error = sample(&sampler, &mut data.denoiser(), &mut TorchNoise::new(0), x, &levels).unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&NoVariance));
}
