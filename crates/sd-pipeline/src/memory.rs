//! How much memory drawing takes, computed before any is asked for.

use sd_unet::{UnconditionalUnetConfig, UnetConfig, UnetLevel};
use sysinfo::System;

use crate::model::Kind;
use crate::vae::VaeConfig;
use crate::{DType, DeviceInfo, DeviceKind, Error, Model, Request, is_processor};

/// What a picture needs, in bytes, by phase; docs/performance.md says how near this is to what was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryNeed {
    /// The weights of all networks, which stay until the end.
    pub weights: usize,
    /// Beside them, while the noise is removed.
    pub sampling: usize,
    /// Beside them, while the latents become pixels.
    pub decoding: usize,
}

impl MemoryNeed {
    /// At the same time at most.
    pub fn peak(&self) -> usize {
        self.weights.saturating_add(self.sampling.max(self.decoding))
    }
}

impl Model {
    /// What loading this model and drawing a request with it will take on a device.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    pub fn memory(&self, request: &Request, dtype: DType, device: &DeviceInfo) -> Result<MemoryNeed, Error> {
        self.check(request)?;
        let (width, height) = request.size(self)?;
        let unet = self.unet_weights.elements() * dtype.bytes();
        // What a card's own kernels put between two products of matrices.
        let scratch = |numbers: usize| if is_processor(&device.name) { 0 } else { numbers.min(sd_ops::SCRATCH) };
        // What 3×3 weights are multiplied with.
        let patches = |channels: usize| scratch((9 * channels).saturating_mul(width).saturating_mul(height)) * 4;
        Ok(match &self.kind {
            Kind::Unconditional(config) => MemoryNeed {
                weights: unet,
                sampling: of_pixels(config, width, height).saturating_add(patches(config.levels[0].channels)),
                decoding: 0,
            },
            Kind::Text(parts) => {
                let text: usize = parts.text.iter().map(|part| part.weights.elements()).sum();
                let factor = self.factor();
                let guided = self.guided(request)?;
                let (wide, high) = (width / factor, height / factor);
                let scores = of_scores(&parts.unet_config, guided, wide, high);
                let vae = &parts.vae.config;
                MemoryNeed {
                    // The autoencoder's are mostly kept in single precision.
                    weights: unet + text * dtype.bytes() + parts.vae.weights.elements() * 4,
                    sampling: of_latents(&parts.unet_config, wide, high)
                        .saturating_mul(guided)
                        .saturating_add(scratch(scores) * (4 + 4)),
                    decoding: of_decoding(vae, width, height).saturating_add(patches(vae.full_size_channels())),
                }
            }
        })
    }

    /// Checks that a device has the precision, and memory enough: a card's, if the system says how much that is, or what is
    /// free of the processor's.
    ///
    /// # Errors
    ///
    /// [`Error::Device`] where it lacks the precision, [`Error::Memory`] where a picture foreseeably does not fit, and as
    /// [`check`](Self::check).
    pub fn check_device(&self, request: &Request, dtype: DType, device: &DeviceInfo) -> Result<(), Error> {
        if !device.precisions.contains(&dtype) {
            let others: Vec<_> = device.precisions.iter().map(ToString::to_string).collect();
            let (device, others) = (&device.name, others.join(" or "));
            return Err(Error::Device(format!("{device} does not compute in {dtype}: use --dtype {others}")));
        }
        let available = if device.kind == DeviceKind::Processor { free() } else { device.memory };
        // A system that does not say is not a reason to refuse.
        let lacks = |needed: usize, available: Option<u64>| available.filter(|available| needed as u64 > *available);
        let lack = |dtype| -> Result<Option<Error>, Error> {
            let (need, weight) = (self.memory(request, dtype, device)?, self.largest_weight(dtype));
            let (one, largest) = (weight.max(self.largest_activation(request, dtype)?), device.largest_tensor);
            let error = |what, needed: usize, available: u64| {
                let (needed, available) = (needed as f64 / 1e9, available as f64 / 1e9);
                let is_for_weights = lacks(need.weights, device.memory).or(lacks(weight, largest)).is_some();
                let remedy = if is_for_weights { "take another device" } else { "draw a smaller picture" };
                Error::Memory { needed, what, available, device: device.name.clone(), remedy: remedy.into() }
            };
            let all = lacks(need.peak(), available).map(|available| error("", need.peak(), available));
            Ok(all.or_else(|| lacks(one, largest).map(|available| error(" for one tensor", one, available))))
        };
        let Some(mut error) = lack(dtype)? else { return Ok(()) };
        // bf16 first: it has the range of single precision.
        for half in device.precisions.iter().rev().take_while(|half| dtype == DType::F32 && **half != dtype) {
            if let (Error::Memory { remedy, .. }, None) = (&mut error, lack(*half)?) {
                *remedy += &format!(", or use --dtype {half}");
                break;
            }
        }
        Err(error)
    }

    /// Bytes of the largest weight of the U-Net and the text encoders.
    fn largest_weight(&self, dtype: DType) -> usize {
        let text = match &self.kind {
            Kind::Unconditional(_) => None,
            Kind::Text(parts) => parts.text.iter().map(|part| part.weights.largest()).max(),
        };
        self.unet_weights.largest().max(text.unwrap_or(0)) * dtype.bytes()
    }

    /// Bytes of the largest tensor that is computed.
    fn largest_activation(&self, request: &Request, dtype: DType) -> Result<usize, Error> {
        let (width, height) = request.size(self)?;
        Ok(match &self.kind {
            Kind::Unconditional(config) => {
                // Where the picture of the second level, enlarged, is joined to that of the first.
                let (first, second) = (&config.levels[0], config.levels.get(1).unwrap_or(&config.levels[0]));
                tensors(1, first.channels + second.channels, width, height)
            }
            Kind::Text(parts) => {
                let (wide, high, guided) = (width / self.factor(), height / self.factor(), self.guided(request)?);
                // What GEGLU halves.
                let hidden = |(i, level): (usize, &UnetLevel)| {
                    let tokens = (wide >> i).saturating_mul(high >> i);
                    (guided * 8 * level.channels * dtype.bytes()).saturating_mul(tokens)
                };
                let levels = parts.unet_config.levels.iter().enumerate();
                let with_attention = levels.filter(|(_, level)| level.attends());
                let decoded = tensors(1, parts.vae.config.full_size_channels(), width, height);
                with_attention.map(hidden).max().unwrap_or(0).max(decoded)
            }
        })
    }

    /// How many pictures the U-Net is given for one: without its text too, where that guides.
    fn guided(&self, request: &Request) -> Result<usize, Error> {
        Ok(if request.is_guided(self)? { 2 } else { 1 })
    }
}

/// Attention's scores, at the finest level.
fn of_scores(config: &UnetConfig, pictures: usize, width: usize, height: usize) -> usize {
    let tokens = width.saturating_mul(height);
    tokens.saturating_mul(tokens).saturating_mul(pictures * config.levels[0].heads)
}

/// Several tensors of the finest level, one of them in each block.
fn of_latents(config: &UnetConfig, width: usize, height: usize) -> usize {
    /// 20.4 to 21 were measured with Stable Diffusion 1.5 on the flex backend.
    const LIVE_TENSORS: usize = 22;
    tensors(LIVE_TENSORS, config.levels[0].channels, width, height)
}

/// Several tensors at full size: the U-Net works on an eighth of the width and height.
fn of_decoding(config: &VaeConfig, width: usize, height: usize) -> usize {
    /// 3.0 to 3.6 were measured with Stable Diffusion 1.5 on the flex backend, at 1024×1024 to 512×512.
    const LIVE_TENSORS: usize = 4;
    tensors(LIVE_TENSORS, config.full_size_channels(), width, height)
}

/// Several tensors of the finest level, at full size.
fn of_pixels(config: &UnconditionalUnetConfig, width: usize, height: usize) -> usize {
    /// 9.5 to 10.4 were measured with the flex backend, at 256×256 and 128×128.
    const LIVE_TENSORS: usize = 12;
    tensors(LIVE_TENSORS, config.levels[0].channels, width, height)
}

fn tensors(count: usize, channels: usize, width: usize, height: usize) -> usize {
    (4 * count * channels).saturating_mul(width).saturating_mul(height)
}

/// Free memory of the processor, where the system says.
fn free() -> Option<u64> {
    let mut system = System::new();
    system.refresh_memory();
    let free = system.cgroup_limits().map_or(u64::MAX, |limits| limits.free_memory).min(system.available_memory());
    (free > 0).then_some(free)
}
