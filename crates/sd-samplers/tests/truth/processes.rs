//! Rectified flow and EDM with the samplers, which know nothing of either.

use burn::tensor::{Device, Tensor};
use sd_exact::{Gaussian, images, points};
use sd_samplers::{
    CATALOGUE, DenoiseError, Denoiser, FreshNoise, LevelOptions, Network, SamplerSettings, TorchNoise, sample,
};
use sd_schedule::{Edm, Flow, Process, Ramp};

use crate::rows::assert_none;

fn data() -> Gaussian {
    Gaussian { mean: vec![0.4], std: vec![0.5] }
}

/// The best velocity `eps − x0` for the data, from a flow network's inputs: `(1 − t)·x0 + t·eps` and `1000·t`.
fn velocity(mixed: Tensor<4>, t: f64) -> Result<Tensor<4>, DenoiseError> {
    let t = t / 1000.0;
    let (x, sigma) = (mixed / (1.0 - t), t / (1.0 - t));
    let denoised = data().denoiser().denoise(x.clone(), sigma)?;
    Ok((x - denoised.clone()) / sigma - denoised)
}

/// The best output `(x0 − c_skip·x)/c_out` for the data, from an EDM network's inputs: `c_in·x` and `ln(sigma)/4` (Karras et al. 2022,
/// table 1).
fn output(scaled: Tensor<4>, t: f64, edm: &Edm) -> Result<Tensor<4>, DenoiseError> {
    let sigma = (4.0 * t).exp();
    let (x, (c_skip, c_out)) = (scaled / edm.c_in(sigma), edm.coefficients(sigma));
    Ok((data().denoiser().denoise(x.clone(), sigma)? - x * c_skip) / c_out)
}

/// Checks that every sampler draws the data with a network of this process, and what it draws with the exact denoiser.
fn check(process: &Process, network: impl Fn(Tensor<4>, f64) -> Result<Tensor<4>, DenoiseError>) {
    let (device, mut failures) = (Device::flex(), Vec::new());
    let normal: Vec<[f64; 1]> = vec![[-1.5], [-0.2], [1.0], [2.1]];
    for info in CATALOGUE {
        let settings = SamplerSettings { blended: process.blended(), ..SamplerSettings::new(process.clone()) };
        let sampler = info.make(&settings).expect("its defaults");
        let options = LevelOptions::default();
        let levels = info.convention.levels(process, &options, 200).expect("levels of its own");
        let levels = info.convention.visit(process, levels, &options);
        let draw = |model: &mut dyn Denoiser| {
            let x = images(&normal, &device) * levels.start_std;
            points::<1>(sample(&*sampler, model, &mut TorchNoise::new(3), x, &levels.levels).expect("it does not fail"))
        };
        let found = draw(&mut Network { process, whole_timesteps: levels.whole_timesteps, call: &network });
        let direct = draw(&mut data().denoiser());
        for ((found, direct), normal) in found.iter().zip(&direct).zip(&normal) {
            let exact = 0.4 + 0.5 * normal[0];
            // The network gives the same images as the exact denoiser, up to single precision.
            let is_same = (found[0] - direct[0]).abs() < 5e-3;
            let is_drawn = info.fresh != FreshNoise::Never || (found[0] - exact).abs() < 0.05;
            if !(is_same && is_drawn) {
                failures.push(format!("{}: {:.4}, directly {:.4}, exact {exact:.4}", info.name, found[0], direct[0]));
            }
        }
    }
    assert_none(failures);
}

#[test]
fn every_sampler_draws_the_data_of_a_flow_network() {
    check(&Process::RectifiedFlow(Flow { timesteps: 1000, shift: 3.0 }), velocity);
}

/// As in the paper; and as in CosXL, for data of another width.
#[test]
fn every_sampler_draws_the_data_of_an_edm_network() {
    let other = Edm::new(1.0, 0.002, 120.0, Ramp::Exponential).unwrap().with_velocity();
    for edm in [Edm::default(), other] {
        check(&Process::Edm(edm), |x, t| output(x, t, &edm));
    }
}
