//! How long the networks of Stable Diffusion 1.5 take at 512×512, with random weights.
//!
//! `cargo run --release -p sd-benches --bin networks`, and after it which: `unet` (a guided step: a batch of two), `vae`
//! (decoding one picture) or `clip` (two prompts). `cargo xtask compare` sets them beside other programs.

#![allow(clippy::print_stdout, reason = "it is for being read")]

use std::time::Instant;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Distribution, Tensor};
use sd_clip::ClipTextConfig;
use sd_unet::UnetConfig;
use sd_vae::AutoencoderKlConfig;

/// Calls after a first one that is not counted.
const CALLS: usize = 3;

fn main() {
    sd_pipeline::keep_memory();
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let device = Device::flex();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name);
    let random = |shape: [usize; 4]| Tensor::<4>::random(shape, Distribution::Normal(0.0, 1.0), &device);
    if is_wanted("unet") {
        let unet = UnetConfig::sd1().init(&device).map(&mut AsLoaded::default());
        let (x, context) = (random([2, 4, 64, 64]), random([1, 2, 77, 768]).squeeze_dim(0));
        report("unet", || drop(unet.forward(x.clone(), &[500.0; 2], context.clone(), None)));
    }
    if is_wanted("vae") {
        let vae = AutoencoderKlConfig::sd().init(&device).map(&mut AsLoaded::default());
        let latents = random([1, 4, 64, 64]);
        report("vae", || drop(vae.decode(latents.clone())));
    }
    if is_wanted("clip") {
        let clip = ClipTextConfig::sd1().init(&device).map(&mut AsLoaded::default());
        let prompts = vec![vec![320; 77]; 2];
        report("clip", || drop(clip.forward(&prompts)));
    }
}

/// Prints the least seconds of some calls.
fn report(name: &str, call: impl Fn()) {
    call();
    let seconds = || {
        let start = Instant::now();
        call();
        start.elapsed().as_secs_f64()
    };
    let least = (0..CALLS).map(|_| seconds()).fold(f64::MAX, f64::min);
    println!("{name} {least:.3}");
}

/// Linear layers' weights as they lie when they were loaded: `[outputs, inputs]`, transposed.
#[derive(Default)]
struct AsLoaded(Vec<String>);

impl ModuleMapper for AsLoaded {
    fn enter_module(&mut self, _name: &str, container: &str) {
        self.0.push(container.into());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.0.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let is_linear = self.0.last().is_some_and(|container| container.ends_with("Linear"));
        if D != 2 || !is_linear {
            return param;
        }
        param.map(|weight| {
            let mut shape = weight.dims();
            shape.swap(0, 1);
            let numbers: Tensor<1> = weight.swap_dims(0, 1).reshape([shape[0] * shape[1]]);
            numbers.reshape(shape).swap_dims(0, 1)
        })
    }
}
