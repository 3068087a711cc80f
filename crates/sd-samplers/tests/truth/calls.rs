//! How often samplers call the network, and when they draw noise.

use burn::tensor::{Device, Tensor};
use sd_exact::{Mixture, evenly_in_t, images, stable_diffusion};
use sd_samplers::{CATALOGUE, DenoiseError, Denoiser, Noise, SamplerSettings, TorchNoise, sample};
use sd_schedule::NoiseLevels;

use crate::rows::{Row, assert_none, rows, start, uneven};

#[test]
fn samplers_call_the_network_as_often_as_they_say() {
    let (mut failures, data) = (Vec::new(), Mixture::ring());
    for Row { name, sampler, .. } in rows() {
        let few = NoiseLevels::new(vec![14.0, 5.0, 1.0, 0.2, 0.0][5 - (sampler.min_steps() + 1).min(5)..].to_vec());
        let from_pure_noise = NoiseLevels::new(vec![20_000.0, 15.0, 3.0, 0.7, 0.1, 0.0]).unwrap();
        for levels in [few.unwrap(), uneven(), evenly_in_t(12), from_pure_noise] {
            let (mut calls, mut model) = (0, data.denoiser());
            let mut counting = |x: Tensor<4>, sigma: f64| {
                calls += 1;
                model.denoise(x, sigma)
            };
            sample(&sampler, &mut counting, &mut TorchNoise::new(0), start(&levels), &levels).unwrap();
            let is_right = match sampler.is_adaptive() {
                true => calls >= sampler.calls(&levels),
                false => calls == sampler.calls(&levels),
            };
            if !is_right {
                let (says, steps) = (sampler.calls(&levels), levels.steps());
                failures.push(format!("{name} says {says} calls for {steps} steps and makes {calls}"));
            }
        }
    }
    assert_none(failures);
}

#[test]
fn one_more_step_costs_the_calls_that_the_catalogue_says() {
    for info in CATALOGUE {
        let sampler = info.make(&SamplerSettings::new(stable_diffusion())).unwrap();
        let more = sampler.calls(&evenly_in_t(31)) - sampler.calls(&evenly_in_t(30));
        assert_eq!(more, info.calls, "{}", info.name);
    }
}

/// Noise that records the levels for which it was drawn.
struct Recorded(Vec<(f64, f64)>);

impl Noise for Recorded {
    fn start(&mut self, like: &Tensor<4>) -> Tensor<4> {
        like.ones_like()
    }

    fn draw(&mut self, like: &Tensor<4>, from: f64, to: f64) -> Tensor<4> {
        self.0.push((from, to));
        like.ones_like()
    }
}

#[test]
fn noise_is_drawn_for_falling_levels_and_never_for_a_step_to_zero() {
    let (levels, data, mut failures) = (uneven(), Mixture::ring(), Vec::new());
    let last = levels.pairs().last().unwrap().0;
    for Row { name, sampler, .. } in rows() {
        let mut recorded = Recorded(Vec::new());
        sample(&sampler, &mut data.denoiser(), &mut recorded, start(&levels), &levels).unwrap();
        let wrong = recorded.0.iter().filter(|(from, to)| from <= to || *to == 0.0 || *from <= last);
        failures.extend(wrong.map(|(from, to)| format!("{name} draws noise from {from} to {to}")));
    }
    assert_none(failures);
}

#[test]
fn an_error_of_the_model_ends_the_sampling() {
    let mut failing = |_: Tensor<4>, _: f64| -> Result<Tensor<4>, DenoiseError> { Err("broken".into()) };
    for Row { name, sampler, .. } in rows() {
        let x = images(&[[1.0]], &Device::flex());
        let stop = sample(&sampler, &mut failing, &mut TorchNoise::new(0), x, &uneven()).unwrap_err();
        assert_eq!(stop.to_string(), "broken", "{name}");
    }
}
