//! How long the networks of Stable Diffusion 1.5 take at 512×512, with random weights.
//!
//! `cargo run --release -p sd-benches --bin networks`, and after it which: `unet` (a guided step: a batch of two), `vae`
//! (decoding one picture) or `clip` (two prompts); and `bf16` for weights in half precision, which the autoencoder's are not.
//! `cargo xtask compare` sets them beside other programs.

#![allow(clippy::print_stdout, reason = "it is for being read")]

use std::time::Instant;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Distribution, FloatDType, Tensor};
use sd_clip::ClipTextConfig;
use sd_unet::UnetConfig;
use sd_vae::AutoencoderKlConfig;

/// Calls after a first one that is not counted.
const CALLS: usize = 3;

fn main() {
    sd_pipeline::keep_memory();
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let device = Device::flex();
    let has = |name: &str| wanted.iter().any(|wanted| wanted == name);
    let is_wanted = |name: &str| has(name) || !["unet", "vae", "clip"].into_iter().any(has);
    let weights = if has("bf16") { FloatDType::BF16 } else { FloatDType::F32 };
    let random = |shape: [usize; 4]| Tensor::<4>::random(shape, Distribution::Normal(0.0, 1.0), &device);
    if is_wanted("unet") {
        let unet = UnetConfig::sd1().init(&device).map(&mut AsLoaded::in_precision(weights));
        let (x, context) = (random([2, 4, 64, 64]), random([1, 2, 77, 768]).squeeze_dim(0));
        report("unet", || drop(unet.forward(x.clone(), &[500.0; 2], context.clone(), None)));
    }
    if is_wanted("vae") {
        let vae = AutoencoderKlConfig::sd().init(&device).map(&mut AsLoaded::in_precision(FloatDType::F32));
        let latents = random([1, 4, 64, 64]);
        report("vae", || drop(vae.decode(latents.clone())));
    }
    if is_wanted("clip") {
        let clip = ClipTextConfig::sd1().init(&device).map(&mut AsLoaded::in_precision(weights));
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

/// Weights in a precision, and those of linear layers as they lie when they were loaded: `[outputs, inputs]`, transposed.
struct AsLoaded {
    modules: Vec<String>,
    precision: FloatDType,
}

impl AsLoaded {
    fn in_precision(precision: FloatDType) -> Self {
        Self { modules: Vec::new(), precision }
    }
}

impl ModuleMapper for AsLoaded {
    fn enter_module(&mut self, _name: &str, container: &str) {
        self.modules.push(container.into());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.modules.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let module = self.modules.last().map_or("", |container| container.trim_start_matches("Struct:"));
        match (module, D) {
            ("Linear", 2) => param.map(|weight| {
                let mut shape = weight.dims();
                shape.swap(0, 1);
                let numbers: Tensor<1> = weight.swap_dims(0, 1).reshape([shape[0] * shape[1]]);
                numbers.cast(self.precision).reshape(shape).swap_dims(0, 1)
            }),
            ("Conv2d", 4) => param.map(|weight| weight.cast(self.precision)),
            _ => param,
        }
    }
}
