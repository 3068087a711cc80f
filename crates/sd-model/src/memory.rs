//! How much memory drawing takes, computed before any is asked for.

use sd_device::{DeviceInfo, is_processor};
use sd_unet::{UnconditionalUnetConfig, UnetConfig, UnetLevel};

use crate::model::{Kind, Model};
use crate::vae::VaeConfig;
use crate::{DType, ModelError};

/// What drawing an image takes, in bytes, by phase; docs/performance.md says how near this is to what was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryNeed {
    /// The weights of all networks, which stay until the end.
    pub weights: usize,
    /// Beside them, while the noise is removed.
    pub sampling: usize,
    /// Beside them, while the latents become pixels.
    pub decoding: usize,
}

/// What is drawn, as far as memory depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Workload {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// Whether the backbone is asked about a negative prompt too.
    pub is_guided: bool,
}

impl MemoryNeed {
    /// At the same time at most.
    pub fn peak(&self) -> usize {
        self.weights.saturating_add(self.sampling.max(self.decoding))
    }
}

impl Model {
    /// Estimates what loading this model and drawing with it will take on a device.
    pub fn memory(&self, workload: &Workload, dtype: DType, device: &DeviceInfo) -> MemoryNeed {
        let Workload { width, height, .. } = *workload;
        let unet = self.unet_weights.elements() * dtype.bytes();
        // What a GPU's own kernels put between two products of matrices.
        let scratch = |numbers: usize| if is_processor(&device.name) { 0 } else { numbers.min(sd_ops::SCRATCH) };
        // What 3×3 weights are multiplied with.
        let patches = |channels: usize| scratch((9 * channels).saturating_mul(width).saturating_mul(height)) * 4;
        match &self.kind {
            Kind::Unconditional(config) => MemoryNeed {
                weights: unet,
                sampling: of_pixels(config, width, height).saturating_add(patches(config.levels[0].channels)),
                decoding: 0,
            },
            Kind::Text(parts) => {
                let text: usize = parts.text.iter().map(|part| part.weights.elements()).sum();
                let factor = self.scale_factor();
                let guided = guided(workload);
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
        }
    }

    /// Checks that a device can compute this: that it has the precision, and can hold every single tensor.
    ///
    /// Whether all fits together can only be [estimated](Self::memory_warning), and is not a reason to refuse.
    ///
    /// # Errors
    ///
    /// [`ModelError::Precision`] where it lacks the precision, [`ModelError::Memory`] where a tensor is larger than any that the device can
    /// have.
    pub fn check_device(&self, workload: &Workload, dtype: DType, device: &DeviceInfo) -> Result<(), ModelError> {
        if !device.precisions.contains(&dtype) {
            let (device, precisions) = (device.name.clone(), device.precisions.clone());
            return Err(ModelError::Precision { device, dtype, precisions });
        }
        let Some(largest) = device.largest_tensor else { return Ok(()) };
        let too_large = |needed: usize| needed as u64 > largest;
        let sizes = |dtype| [self.largest_weight(dtype), self.largest_activation(workload, dtype, device)];
        let [weight, activation] = sizes(dtype);
        if !too_large(weight.max(activation)) {
            return Ok(());
        }
        let remedy = if too_large(weight) { "take another device" } else { "draw a smaller image" };
        let half = smaller_precision(dtype, device, |half| !sizes(half).into_iter().any(too_large));
        let [needed, available] = [weight.max(activation) as u64, largest].map(|bytes| bytes as f64 / 1e9);
        Err(ModelError::Memory { needed, available, device: device.name.clone(), remedy: format!("{remedy}{half}") })
    }

    /// What to say where a request will foreseeably take more memory than a device has; none where it fits, or where the
    /// system does not say how much there is.
    pub fn memory_warning(&self, workload: &Workload, dtype: DType, device: &DeviceInfo) -> Option<String> {
        let available = device.available.or(device.memory)?;
        let need = self.memory(workload, dtype, device);
        if need.peak() as u64 <= available {
            return None;
        }
        let is_for_weights = device.memory.is_some_and(|memory| need.weights as u64 > memory);
        let remedy = if is_for_weights { "take another device" } else { "draw a smaller image" };
        let fits = |half| self.memory(workload, half, device).peak() as u64 <= available;
        let half = smaller_precision(dtype, device, fits);
        let [needed, available] = [need.peak() as u64, available].map(|bytes| bytes as f64 / 1e9);
        Some(format!(
            "this will take about {needed:.2} GB of memory, and {} has {available:.2} GB available: if it fails or is slow, \
             {remedy}{half}",
            device.name
        ))
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
    fn largest_activation(&self, workload: &Workload, dtype: DType, device: &DeviceInfo) -> usize {
        let Workload { width, height, .. } = *workload;
        match &self.kind {
            Kind::Unconditional(config) => {
                // Where the image of the second level, enlarged, is joined to that of the first.
                let (first, second) = (&config.levels[0], config.levels.get(1).unwrap_or(&config.levels[0]));
                tensors(1, first.channels + second.channels, width, height)
            }
            Kind::Text(parts) => {
                let (wide, high, guided) =
                    (width / self.scale_factor(), height / self.scale_factor(), guided(workload));
                let decoded = tensors(1, parts.vae.config.full_size_channels(), width, height);
                if is_processor(&device.name) {
                    // Its kernel of GEGLU writes the half that is left.
                    return decoded;
                }
                // What GEGLU halves.
                let hidden = |(i, level): (usize, &UnetLevel)| {
                    let tokens = (wide >> i).saturating_mul(high >> i);
                    (guided * 8 * level.channels * dtype.bytes()).saturating_mul(tokens)
                };
                let levels = parts.unet_config.levels.iter().enumerate();
                let with_attention = levels.filter(|(_, level)| level.attends());
                with_attention.map(hidden).max().unwrap_or(0).max(decoded)
            }
        }
    }
}

/// How many images the U-Net is given for one: without its text too, where that guides.
fn guided(workload: &Workload) -> usize {
    if workload.is_guided { 2 } else { 1 }
}

/// The end of a remedy: a half precision of the device that helps, if single is asked for; bf16 first, which has its range.
fn smaller_precision(dtype: DType, device: &DeviceInfo, helps: impl Fn(DType) -> bool) -> String {
    let mut halves = device.precisions.iter().rev().take_while(|half| dtype == DType::F32 && **half != dtype);
    halves.find(|half| helps(**half)).map(|half| format!(", or use `dtype` {half}")).unwrap_or_default()
}

/// Attention's scores, at the finest level.
fn of_scores(config: &UnetConfig, images: usize, width: usize, height: usize) -> usize {
    let tokens = width.saturating_mul(height);
    tokens.saturating_mul(tokens).saturating_mul(images * config.levels[0].heads)
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
