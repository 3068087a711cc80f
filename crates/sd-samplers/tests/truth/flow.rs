//! Rectified flow with the samplers, which know nothing about it.

use burn::tensor::{Device, Tensor};
use sd_exact::{Gaussian, images, points};
use sd_samplers::{
    CATALOGUE, DenoiseError, Denoiser, FreshNoise, LevelOptions, Network, SamplerSettings, TorchNoise, sample,
};
use sd_schedule::{Flow, Process};

use crate::rows::assert_none;

const FLOW: Flow = Flow { timesteps: 1000, shift: 3.0 };

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

#[test]
fn every_sampler_draws_the_data_of_a_flow_network() {
    let (process, device, mut failures) = (Process::RectifiedFlow(FLOW), Device::flex(), Vec::new());
    let normal: Vec<[f64; 1]> = vec![[-1.5], [-0.2], [1.0], [2.1]];
    for info in CATALOGUE {
        let settings = SamplerSettings { blended: process.prediction(), ..SamplerSettings::new(process.clone()) };
        let sampler = info.make(&settings).expect("its defaults");
        let options = LevelOptions::default();
        let levels = info.convention.levels(&process, &options, 200).expect("levels of a flow");
        let levels = info.convention.visit(levels, &options);
        let draw = |model: &mut dyn Denoiser| {
            let x = images(&normal, &device) * levels.start_std;
            points::<1>(sample(&*sampler, model, &mut TorchNoise::new(3), x, &levels.levels).expect("it does not fail"))
        };
        let flow = draw(&mut Network { process: &process, whole_timesteps: false, call: velocity });
        let direct = draw(&mut data().denoiser());
        for ((flow, direct), normal) in flow.iter().zip(&direct).zip(&normal) {
            let exact = 0.4 + 0.5 * normal[0];
            // The network gives the same images as the exact denoiser, up to single precision.
            let is_same = (flow[0] - direct[0]).abs() < 5e-3;
            let is_drawn = info.fresh != FreshNoise::Never || (flow[0] - exact).abs() < 0.05;
            if !(is_same && is_drawn) {
                failures.push(format!("{}: {:.4}, directly {:.4}, exact {exact:.4}", info.name, flow[0], direct[0]));
            }
        }
    }
    assert_none(failures);
}
