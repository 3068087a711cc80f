//! Estimates the memory for drawing, before any is allocated.

use std::collections::BTreeMap;
use std::path::Path;

use sd_device::{DeviceInfo, is_flex, is_processor};
use sd_unet::{UnconditionalUnetConfig, UnetConfig, UnetLevel};
use sd_weights::Weights;

use crate::decoding::{decoding, decoding_in_bands, largest_of_bands, tensors};
use crate::image_adapter::ImageAdapterFile;
use crate::model::{Kind, Model};
use crate::{DType, Memory, ModelError};

/// Memory for drawing an image, in bytes, by phase. docs/performance.md compares the estimates with measurements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryNeed {
    /// Weights of all networks, which stay in memory until the end. In [low memory](Memory::Low), those that are in memory at once.
    pub weights: usize,
    /// Additional memory during sampling.
    pub sampling: usize,
    /// Additional memory during decoding.
    pub decoding: usize,
}

/// The properties of a request that its memory depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Workload {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// Images of the backbone's batch for one image: 1 without guidance, 2 with a negative prompt, more with further conditions.
    pub rows: usize,
    /// Whether the autoencoder works in bands of rows.
    pub tiled: bool,
}

impl MemoryNeed {
    /// Largest memory in use at any time.
    pub fn peak(&self) -> usize {
        self.weights.saturating_add(self.sampling.max(self.decoding))
    }
}

impl Model {
    /// Estimates the memory for loading this model and drawing with it on a device.
    pub fn memory(&self, workload: &Workload, dtype: DType, device: &DeviceInfo) -> MemoryNeed {
        let Workload { width, height, tiled, .. } = *workload;
        let weights = self.weights_in_memory(dtype, device);
        // Elements that a GPU's kernels store between two matrix products.
        let scratch = |elements: usize| if is_processor(&device.name) { 0 } else { elements.min(sd_ops::SCRATCH) };
        // The matrix that 3×3 weights are multiplied with.
        let patches = |channels: usize| scratch((9 * channels).saturating_mul(width).saturating_mul(height)) * 4;
        let decode = if tiled { decoding_in_bands } else { decoding };
        match &self.kind {
            Kind::Unconditional(config) => MemoryNeed {
                weights,
                sampling: sampling_pixels(config, width, height).saturating_add(patches(config.levels[0].channels)),
                decoding: 0,
            },
            Kind::Text(parts) => {
                let factor = self.scale_factor();
                let rows = workload.rows;
                let (wide, high) = (width / factor, height / factor);
                let scores = attention_scores(&parts.unet_config, rows, wide, high);
                let vae = &parts.vae.config;
                MemoryNeed {
                    weights,
                    sampling: sampling_latents(&parts.unet_config, wide, high)
                        .saturating_add(self.residuals(&parts.unet_config, wide, high))
                        .saturating_mul(rows)
                        .saturating_add(scratch(scores) * (4 + 4)),
                    decoding: decode(vae, width, height).saturating_add(patches(vae.full_size_channels())),
                }
            }
        }
    }

    /// About how many multiply-adds a call of the backbone takes for an image: each weight once for each pixel of the latents. That is too
    /// many where inner levels have fewer pixels, but orders sizes and models.
    pub fn products(&self, workload: &Workload) -> u64 {
        let [_, _, height, width] = self.latent_shape(workload.width, workload.height);
        [workload.rows, height, width]
            .iter()
            .fold(self.unet_weights.elements() as u64, |all, n| all.saturating_mul(*n as u64))
    }

    /// Bytes of all networks' weights that are in memory.
    fn weights_in_memory(&self, dtype: DType, device: &DeviceInfo) -> usize {
        if self.leaves_weights_in_files(device) {
            return self.bytes_in_memory(dtype);
        }
        let bytes = |weights: &Weights| weights.loaded_bytes(dtype.bytes(), is_flex(&device.name));
        let unet = bytes(&self.unet_weights);
        let Kind::Text(parts) = &self.kind else { return unet };
        let text: usize = parts.text.iter().map(|part| bytes(&part.weights)).sum();
        // The autoencoder's weights mostly stay in single precision.
        unet + text + self.steering_elements() * dtype.bytes() + parts.vae.weights.elements() * 4
    }

    /// Checks that a device has the precision and can hold each tensor.
    ///
    /// Whether everything fits together can only be [estimated](Self::memory_warning), which is no reason to refuse.
    ///
    /// # Errors
    ///
    /// [`ModelError::Precision`] if the device lacks the precision, [`ModelError::Memory`] if a tensor is larger than it
    /// allows.
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
        let remedy = if too_large(weight) { "use another device" } else { "draw a smaller image" };
        let half = smaller_precision(dtype, device, |half| !sizes(half).into_iter().any(too_large));
        let [needed, available] = [weight.max(activation) as u64, largest].map(|bytes| bytes as f64 / 1e9);
        Err(ModelError::Memory { needed, available, device: device.name.clone(), remedy: format!("{remedy}{half}") })
    }

    /// Returns a warning if a request will probably need more memory than a device has; `None` if it fits, or if the
    /// device's memory is unknown.
    pub fn memory_warning(&self, workload: &Workload, dtype: DType, device: &DeviceInfo) -> Option<String> {
        let available = device.available.or(device.memory)?;
        let need = self.memory(workload, dtype, device);
        if need.peak() as u64 <= available {
            return None;
        }
        let is_for_weights = device.memory.is_some_and(|memory| need.weights as u64 > memory);
        let remedy = if is_for_weights { "use another device" } else { "draw a smaller image" };
        let fits = |half| self.memory(workload, half, device).peak() as u64 <= available;
        let half = smaller_precision(dtype, device, fits);
        let low = if self.leaves_weights_in_files(device) || !Memory::Low.has_effect_on(device) {
            ""
        } else {
            ", or use `memory` low"
        };
        let [needed, available] = [need.peak() as u64, available].map(|bytes| bytes as f64 / 1e9);
        Some(format!(
            "this will take about {needed:.2} GB of memory, and {} has {available:.2} GB available: if it fails or is slow, \
             {remedy}{half}{low}",
            device.name
        ))
    }

    /// Returns whether an image of this size can probably be decoded without bands of rows, beside the weights; true if the
    /// device's memory is unknown, and false in [low memory](Memory::Low).
    pub fn decodes_untiled(&self, workload: &Workload, dtype: DType, device: &DeviceInfo) -> bool {
        if self.leaves_weights_in_files(device) {
            return false;
        }
        let workload = Workload { tiled: false, ..*workload };
        let need = self.memory(&workload, dtype, device);
        let fits = |bytes: usize, limit: Option<u64>| limit.is_none_or(|limit| bytes as u64 <= limit);
        fits(need.weights.saturating_add(need.decoding), device.available.or(device.memory))
            && fits(self.largest_activation(&workload, dtype, device), device.largest_tensor)
    }

    /// Number of weights of control networks, IP-Adapters and their image encoders.
    fn steering_elements(&self) -> usize {
        let controls: usize = self.controls.iter().map(|control| control.loaded_elements(&self.unet_weights)).sum();
        let adapters: usize = self.image_adapters.iter().map(ImageAdapterFile::elements).sum();
        // Adapters with the same encoder share it.
        let encoders: BTreeMap<&Path, usize> =
            self.image_adapters.iter().filter_map(ImageAdapterFile::encoder_elements).collect();
        controls + adapters + encoders.values().sum::<usize>()
    }

    /// Bytes that control networks add for each image: what they give, which is kept while the U-Net runs, and what they read.
    fn residuals(&self, config: &UnetConfig, width: usize, height: usize) -> usize {
        /// The skip connections and the middle of Stable Diffusion 1.5, in tensors of its finest level: 3 of the first, and fewer
        /// pixels with more channels of the others. A T2I-Adapter's features are fewer.
        const RESIDUALS: usize = 5;
        // The outputs of one network are added to the sum of the others'.
        let sums = self.controls.len().min(2) * RESIDUALS;
        let hints = self.controls.len();
        tensors(sums + hints, config.levels[0].channels, width, height)
    }

    /// Bytes of the largest weight tensor of the U-Net and the text encoders.
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
                // The upsampled features of the second level, joined to those of the first.
                let (first, second) = (&config.levels[0], config.levels.get(1).unwrap_or(&config.levels[0]));
                tensors(1, first.channels + second.channels, width, height)
            }
            Kind::Text(parts) => {
                let (wide, high, rows) = (width / self.scale_factor(), height / self.scale_factor(), workload.rows);
                let vae = &parts.vae.config;
                let decoded = match workload.tiled {
                    true => largest_of_bands(vae, width, height),
                    false => tensors(1, vae.full_size_channels(), width, height),
                };
                if is_processor(&device.name) {
                    // The GEGLU kernel writes only the halved output.
                    return decoded;
                }
                // The input of GEGLU, which it halves.
                let hidden = |(i, level): (usize, &UnetLevel)| {
                    let tokens = (wide >> i).saturating_mul(high >> i);
                    (rows * 8 * level.channels * dtype.bytes()).saturating_mul(tokens)
                };
                let levels = parts.unet_config.levels.iter().enumerate();
                let with_attention = levels.filter(|(_, level)| level.attends());
                with_attention.map(hidden).max().unwrap_or(0).max(decoded)
            }
        }
    }
}

/// Ends a remedy with a half precision of the device that helps, if single precision was requested; bf16 first, for its
/// range.
fn smaller_precision(dtype: DType, device: &DeviceInfo, helps: impl Fn(DType) -> bool) -> String {
    let mut halves = device.precisions.iter().rev().take_while(|half| dtype == DType::F32 && **half != dtype);
    halves.find(|half| helps(**half)).map(|half| format!(", or use `dtype` {half}")).unwrap_or_default()
}

/// Number of attention scores at the finest level.
fn attention_scores(config: &UnetConfig, images: usize, width: usize, height: usize) -> usize {
    let tokens = width.saturating_mul(height);
    tokens.saturating_mul(tokens).saturating_mul(images * config.levels[0].heads)
}

/// Bytes for sampling latents: several tensors of the finest level.
fn sampling_latents(config: &UnetConfig, width: usize, height: usize) -> usize {
    /// Measured: 20.4 to 21, with Stable Diffusion 1.5 on the flex backend.
    const LIVE_TENSORS: usize = 22;
    tensors(LIVE_TENSORS, config.levels[0].channels, width, height)
}

/// Bytes for sampling pixels: several tensors of the finest level, at full size.
fn sampling_pixels(config: &UnconditionalUnetConfig, width: usize, height: usize) -> usize {
    /// Measured: 9.5 to 10.4, with the flex backend, at 256×256 and 128×128.
    const LIVE_TENSORS: usize = 12;
    tensors(LIVE_TENSORS, config.levels[0].channels, width, height)
}
