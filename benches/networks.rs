//! Times the networks of Stable Diffusion with random weights: those of 1.5 at 512×512, and those of XL at 1024×1024; and
//! Real-ESRGAN's.
//!
//! Run `cargo run --release -p sd-benches --bin networks --`, with any of these behind it, in any order:
//!
//! - networks: `unet` (a guided step, a batch of two), `control` (the same step with a ControlNet before it), `vae` (decodes an
//!   image), `clip` (two prompts), `unet-xl`, `vae-xl`, `esrgan` (128×128 to 512×512), `esrgan-256` (256×256 to 1024×1024);
//! - `bf16` or `f16` for half precision. As in the program, on the CPU it applies to weights only, and nowhere to the
//!   autoencoder;
//! - a device; `flex` by default.
//!
//! `cargo xtask compare` compares with other programs on the CPU, `benches/gpu.sh` on a GPU.

#![allow(clippy::print_stdout, reason = "the printed times are the purpose")]

use std::time::Instant;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Distribution, FloatDType, Tensor};
use sd_clip::ClipTextConfig;
use sd_ops::{lay_out, pack};
use sd_unet::{AddedConditions, Conditions, ControlNetConfig, Hint, UnetConfig};
use sd_upscale::RrdbNetConfig;
use sd_vae::AutoencoderKlConfig;

/// Timed calls, after a first one that is not timed.
const CALLS: usize = 3;
const NETWORKS: [&str; 8] = ["unet", "control", "vae", "clip", "unet-xl", "vae-xl", "esrgan", "esrgan-256"];
/// Those that run if none is named.
const USUAL: [&str; 3] = ["unet", "vae", "clip"];

fn main() -> Result<(), sd_pipeline::Error> {
    // As in the program: one heap, and on a thread of the kernels' pool.
    sd_pipeline::one_heap();
    sd_pipeline::keep_memory();
    rayon::scope(|_| run())
}

fn run() -> Result<(), sd_pipeline::Error> {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let is_given = |name: &str| wanted.iter().any(|wanted| wanted == name);
    let is_wanted = |name: &str| is_given(name) || USUAL.contains(&name) && !NETWORKS.into_iter().any(is_given);
    let weights = match () {
        () if is_given("bf16") => FloatDType::BF16,
        () if is_given("f16") => FloatDType::F16,
        () => FloatDType::F32,
    };
    let is_word = |word: &str| NETWORKS.contains(&word) || ["f32", "f16", "bf16"].contains(&word);
    let device = wanted.iter().find(|word| !is_word(word)).map_or("flex", String::as_str);
    let device = sd_pipeline::device_by_name(device)?;
    let on_processor = device == Device::flex();
    let rest = if on_processor { FloatDType::F32 } else { weights };
    let as_loaded = |weights| AsLoaded { modules: Vec::new(), weights, rest };
    let mut in_single = AsLoaded { modules: Vec::new(), weights: FloatDType::F32, rest: FloatDType::F32 };
    let random = |shape: [usize; 4]| Tensor::<4>::random(shape, Distribution::Normal(0.0, 1.0), &device).cast(rest);
    let report = |name: &str, call: &dyn Fn()| {
        report(name, || {
            call();
            device.sync().expect("the device works");
        });
    };
    if is_wanted("unet") {
        let unet = lay_out(UnetConfig::sd1().init(&device).map(&mut as_loaded(weights)));
        let (x, context) = (random([2, 4, 64, 64]), random([1, 2, 77, 768]).squeeze_dim::<3>(0));
        report("unet", &|| drop(unet.forward(x.clone(), &[500.0; 2], &context.clone().into())));
    }
    if is_wanted("control") {
        let unet = lay_out(UnetConfig::sd1().init(&device).map(&mut as_loaded(weights)));
        let control = ControlNetConfig::new(UnetConfig::sd1()).init(&device);
        let control = lay_out(control.map(&mut as_loaded(weights)));
        let (x, context) = (random([2, 4, 64, 64]), random([1, 2, 77, 768]).squeeze_dim::<3>(0));
        // Once for a drawing, not at each step.
        let hint = Hint::new(control.embed(random([1, 3, 512, 512])));
        let conditions = Conditions::new(context);
        report("control", &|| {
            let residuals = control.forward(x.clone(), &[500.0; 2], &conditions, std::slice::from_ref(&hint));
            drop(unet.forward(x.clone(), &[500.0; 2], &conditions.clone().with_residuals(residuals)));
        });
    }
    if is_wanted("unet-xl") {
        let unet = lay_out(UnetConfig::sdxl().init(&device).map(&mut as_loaded(weights)));
        let (x, context) = (random([2, 4, 128, 128]), random([1, 2, 77, 2048]).squeeze_dim(0));
        let text_embeds = random([1, 1, 2, 1280]).reshape([2, 1280]);
        let added = AddedConditions { text_embeds, time_ids: vec![vec![1024.0, 1024.0, 0.0, 0.0, 1024.0, 1024.0]; 2] };
        let conditions = Conditions::new(context).with_added(added);
        report("unet-xl", &|| drop(unet.forward(x.clone(), &[500.0; 2], &conditions)));
    }
    for (name, size) in [("vae", 64), ("vae-xl", 128)] {
        if is_wanted(name) {
            let vae = lay_out(AutoencoderKlConfig::sd().init(&device).map(&mut in_single));
            let latents = random([1, 4, size, size]).cast(FloatDType::F32);
            report(name, &|| drop(vae.decode(latents.clone())));
        }
    }
    for (name, side) in [("esrgan", 128), ("esrgan-256", 256)] {
        if is_wanted(name) {
            let network = lay_out(RrdbNetConfig::new().init(&device).map(&mut as_loaded(weights)));
            let image = random([1, 3, side, side]);
            report(name, &|| drop(network.forward(image.clone())));
        }
    }
    if is_wanted("clip") {
        let clip = pack(ClipTextConfig::sd1().init(&device).map(&mut as_loaded(weights)));
        let prompts = vec![vec![320; 77]; 2];
        report("clip", &|| drop(clip.forward(&prompts)));
    }
    Ok(())
}

/// Prints the shortest time of some calls in seconds.
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

/// Casts parameters to their precisions, and gives weights of linear layers the layout of loaded ones: transposed views of
/// `[outputs, inputs]`.
struct AsLoaded {
    modules: Vec<String>,
    weights: FloatDType,
    rest: FloatDType,
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
                let values: Tensor<1> = weight.swap_dims(0, 1).reshape([shape[0] * shape[1]]);
                values.cast(self.weights).reshape(shape).swap_dims(0, 1)
            }),
            ("Conv2d", 4) => param.map(|weight| weight.cast(self.weights)),
            _ => param.map(|tensor| tensor.cast(self.rest)),
        }
    }
}
