//! A network of your own under our samplers: `cargo run --release --example own_network`.

#![allow(clippy::print_stdout, reason = "this is a program")]

use std::error::Error;

use sd_burn::burn::tensor::{Device, Tensor};
use sd_burn::samplers::{DenoiseError, Dpmpp2m, Network, Noise, TorchNoise, sample};
use sd_burn::schedule::{BetaSchedule, Grid, NoiseSchedule, Process};

/// Draws from a network that predicts the noise in images of which every pixel is 0.5, and returns their mean.
pub fn own_network() -> Result<f32, Box<dyn Error>> {
    let schedule = NoiseSchedule::from_betas(&BetaSchedule::ScaledLinear.betas(1000, 0.00085, 0.012)?)?;
    let levels = Grid::Karras { rho: 7.0 }.levels(&schedule, 20)?;
    let process = Process::from(schedule.clone()); // variance-preserving, predicts eps
    // What the network sees is sqrt(alpha_bar)·x0 + sqrt(1 − alpha_bar)·eps; yours would be a Burn module.
    let call = |x: Tensor<4>, t: f64| -> Result<Tensor<4>, DenoiseError> {
        let alpha_bar = 1.0 / (1.0 + schedule.sigma(t).powi(2));
        Ok((x - 0.5 * alpha_bar.sqrt()) / (1.0 - alpha_bar).sqrt())
    };
    let mut network = Network { process: &process, whole_timesteps: false, call };
    let mut noise = TorchNoise::new(42);
    let x = noise.start(&Tensor::zeros([1, 3, 16, 16], &Device::flex())) * levels.first();
    let image = sample(&Dpmpp2m, &mut network, &mut noise, x, &levels).map_err(|error| error.to_string())?;
    Ok(image.mean().into_scalar())
}

#[allow(dead_code, reason = "the tests call the function above")]
fn main() -> Result<(), Box<dyn Error>> {
    println!("the mean is {:.3}", own_network()?);
    Ok(())
}
