//! Times the networks of Stable Diffusion with random weights: those of 1.5 at 512×512, and those of XL at 1024×1024; and
//! Real-ESRGAN's.
//!
//! Run `cargo run --release -p sd-benches --bin networks --`, with any of these behind it, in any order:
//!
//! - networks: `unet` (a guided step, a batch of two), `unet-deep` (the same with deep features of branch 0 from an earlier one),
//!   `unet-text` (the same with the outputs of the cross-attention), `unet-merged` (the same with half of the tokens merged),
//!   `control` (the same step with a ControlNet before it), `vae` (decodes an image), `clip` (two prompts), `unet-xl`, `vae-xl`,
//!   `clip-xl` (the larger encoder), `esrgan` (128×128 to 512×512), `esrgan-256` (256×256 to 1024×1024);
//! - `latents=SIDE` and `rows=COUNT`, the sizes of `unet`: 64 and 2 by default. Seconds are those of the whole call;
//! - `bf16` or `f16` for half precision. As in the program, on the CPU it applies to weights only, and to the autoencoder only if
//!   the processor multiplies bf16 in tiles; `q8_0`, `q4_0` or `q4_k` for weights in quantized blocks, those of convolutions
//!   too, on `flex`; `int8` for `q8_0` and products of integers;
//! - a device; `flex` by default.
//!
//! `cargo xtask compare` compares with other programs on the CPU, `benches/gpu.sh` on a GPU.

#![allow(clippy::print_stdout, reason = "the printed times are the purpose")]

use std::time::Instant;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Distribution, FloatDType, Tensor};
use sd_clip::ClipTextConfig;
use sd_ops::{convolves_in_bf16, lay_out, pack};
use sd_unet::{AddedConditions, Conditions, ControlNetConfig, CrossAttention, Deep, Hint, Recall, Unet, UnetConfig};
use sd_upscale::RrdbNetConfig;
use sd_vae::AutoencoderKlConfig;
use sd_weights::{BlockKind, quantized, quantized_panels};

/// Timed calls, after a first one that is not timed.
const CALLS: usize = 3;
const NETWORKS: [&str; 12] = [
    "unet",
    "unet-deep",
    "unet-text",
    "unet-merged",
    "control",
    "vae",
    "clip",
    "unet-xl",
    "vae-xl",
    "clip-xl",
    "esrgan",
    "esrgan-256",
];
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
    let int8 = is_given("int8");
    let named = |kind: &BlockKind| kind.is_written() && is_given(kind.name()) || int8 && *kind == BlockKind::Q8_0;
    let blocks = BlockKind::ALL.into_iter().find(named);
    let is_kind = |word: &str| BlockKind::ALL.iter().any(|kind| kind.name() == word);
    let size =
        |name: &str| wanted.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('=')?.parse::<usize>().ok());
    let (side, rows) = (size("latents").unwrap_or(64), size("rows").unwrap_or(2));
    let is_precision = |word: &str| ["f32", "f16", "bf16", "int8"].contains(&word) || is_kind(word);
    let is_word = |word: &str| NETWORKS.contains(&word) || is_precision(word) || word.contains('=');
    let device = wanted.iter().find(|word| !is_word(word)).map_or("flex", String::as_str);
    let device = sd_pipeline::device_by_name(device)?;
    let on_processor = device == Device::flex();
    let rest = if on_processor { FloatDType::F32 } else { weights };
    let as_loaded = |weights| AsLoaded { modules: Vec::new(), weights, blocks, int8, rest };
    let is_half = weights == FloatDType::BF16 && convolves_in_bf16(&device);
    let of_vae = if is_half { FloatDType::BF16 } else { FloatDType::F32 };
    let mut of_vae = AsLoaded { modules: Vec::new(), weights: of_vae, blocks: None, int8, rest: FloatDType::F32 };
    let random = |shape: [usize; 4]| Tensor::<4>::random(shape, Distribution::Normal(0.0, 1.0), &device).cast(rest);
    let report = |name: &str, call: &dyn Fn()| {
        report(name, || {
            call();
            device.sync().expect("the device works");
        });
    };
    if ["unet", "unet-deep", "unet-text", "unet-merged"].into_iter().any(is_wanted) {
        let unet = lay_out(UnetConfig::sd1().init(&device).map(&mut as_loaded(weights)));
        let (x, context) = (random([rows, 4, side, side]), random([1, rows, 77, 768]).squeeze_dim::<3>(0));
        let (times, conditions) = (vec![500.0; rows], Conditions::new(context));
        let call = |unet: &Unet, recall| unet.forward_recalling(x.clone(), &times, &conditions, recall).1;
        if is_wanted("unet") {
            report("unet", &|| drop(call(&unet, Recall::default())));
        }
        if is_wanted("unet-deep") {
            let kept = call(&unet, Recall { deep: Deep::Keep { branch: 0 }, ..Recall::default() });
            let features = kept.deep.expect("it is kept");
            let recall = || Recall { deep: Deep::Take { branch: 0, features: features.clone() }, ..Recall::default() };
            report("unet-deep", &|| drop(call(&unet, recall())));
        }
        if is_wanted("unet-text") {
            let kept = call(&unet, Recall { text: CrossAttention::Keep, ..Recall::default() });
            let recall = || Recall { text: CrossAttention::Take(kept.text.clone()), ..Recall::default() };
            report("unet-text", &|| drop(call(&unet, recall())));
        }
        if is_wanted("unet-merged") {
            let merged = unet.with_merged_tokens(0.5);
            report("unet-merged", &|| drop(call(&merged, Recall::default())));
        }
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
            let vae = lay_out(AutoencoderKlConfig::sd().init(&device).map(&mut of_vae));
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
    for (name, config) in [("clip", ClipTextConfig::sd1()), ("clip-xl", ClipTextConfig::sdxl_2())] {
        if is_wanted(name) {
            let clip = pack(config.init(&device).map(&mut as_loaded(weights)));
            let prompts = vec![vec![320; 77]; 2];
            report(name, &|| drop(clip.forward(&prompts)));
        }
    }
    Ok(())
}

/// Prints the shortest time of some calls in seconds: one call of XL's U-Net, which takes most of a minute.
fn report(name: &str, call: impl Fn()) {
    call();
    let seconds = || {
        let start = Instant::now();
        call();
        start.elapsed().as_secs_f64()
    };
    let least = (0..if name == "unet-xl" { 1 } else { CALLS }).map(|_| seconds()).fold(f64::MAX, f64::min);
    println!("{name} {least:.3}");
}

/// Casts parameters to their precisions, and gives weights of linear layers the layout of loaded ones: transposed views of
/// `[outputs, inputs]`.
struct AsLoaded {
    modules: Vec<String>,
    weights: FloatDType,
    /// Blocks for the weights that fill them.
    blocks: Option<BlockKind>,
    /// Whether linear layers multiply integers.
    int8: bool,
    rest: FloatDType,
}

impl AsLoaded {
    /// Returns a weight in the order of a checkpoint as blocks, if it fills them; those of few channels do not.
    fn quantized<const D: usize>(&self, weight: &Tensor<D>) -> Option<Tensor<D>> {
        let (shape, kind) = (weight.dims(), self.blocks?);
        let fits =
            shape[..2].iter().all(|size| *size >= 32) && weight.shape().num_elements().is_multiple_of(kind.values());
        let values: Vec<f32> = fits.then(|| weight.to_data().iter().collect())?;
        let blocks = kind.quantize(&values)?;
        let in_panels = self.int8 && D == 2 && shape[0].is_multiple_of(16) && shape[1].is_multiple_of(32);
        let data = if in_panels { quantized_panels(blocks, shape[1]) } else { quantized(kind, blocks, D) };
        Some(Tensor::from_data(data, &weight.device()))
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
                if let Some(blocks) = self.quantized(&weight.clone().swap_dims(0, 1)) {
                    return blocks;
                }
                let mut shape = weight.dims();
                shape.swap(0, 1);
                let values: Tensor<1> = weight.swap_dims(0, 1).reshape([shape[0] * shape[1]]);
                values.cast(self.weights).reshape(shape).swap_dims(0, 1)
            }),
            ("Conv2d", 4) => param.map(|weight| self.quantized(&weight).unwrap_or_else(|| weight.cast(self.weights))),
            _ => param.map(|tensor| tensor.cast(self.rest)),
        }
    }
}
