//! Models whose weights stay in their files.

use std::borrow::Cow;

use burn::tensor::Device;
use sd_device::{DType, DeviceInfo, is_flex};
use sd_ops::MappedWeights;
use sd_weights::{Places, Precision, Weights};

use crate::model::{Kind, Model};
use crate::placed::Placement;
use crate::precision::half_weights;

/// Bytes of weights that are kept in memory after their use. A step uses each weight once, so a larger window would save no
/// time.
const WINDOW: usize = 64 << 20;

/// How much memory a model may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Memory {
    /// All weights are read into memory.
    #[default]
    Normal,
    /// Weights stay in their files and are read when a layer uses them, and images are decoded in bands of rows.
    ///
    /// This is for Burn's Flex backend, on systems that map files, and for weights in f32 and f16, and in bf16 if that is the
    /// precision that they are loaded in: it keeps the type of the file. What a LoRA changes is read into memory.
    ///
    /// The files must not be changed while the model is used.
    Low,
}

impl Model {
    /// Sets how much memory the model may take when it is loaded.
    #[must_use]
    pub fn with_memory(self, memory: Memory) -> Self {
        let mapped = match memory {
            Memory::Normal => None,
            Memory::Low => Some(MappedWeights::new(WINDOW)),
        };
        Self { mapped, ..self }
    }

    /// How a device holds the weights.
    pub(crate) fn placement(&self, device: &Device) -> Placement<'_> {
        let is_flex = sd_ops::takes_half_weights(device);
        let files = self.mapped.as_ref().filter(|_| MappedWeights::is_supported() && is_flex);
        Placement { files, int8: self.int8 && is_flex }
    }

    /// Whether weights stay in their files when the model is loaded onto a device.
    pub(crate) fn leaves_weights_in_files(&self, device: &DeviceInfo) -> bool {
        self.mapped.is_some() && Memory::Low.has_effect_on(device)
    }

    /// Bytes of weights that are in memory at once if all stay in their files that can.
    pub(crate) fn bytes_in_memory(&self, dtype: DType) -> usize {
        let networks = self.mapped_networks(dtype);
        let sum = networks.iter().fold(Places::default(), |sum, (weights, precision)| {
            let places = weights.places(*precision);
            Places {
                in_memory: sum.in_memory + places.in_memory,
                in_files: sum.in_files + places.in_files,
                largest_in_file: sum.largest_in_file.max(places.largest_in_file),
            }
        });
        sum.in_memory + sum.in_files.min(WINDOW.max(sum.largest_in_file))
    }

    /// The weights of all networks as a device loads them that uses them in their files.
    fn mapped_networks(&self, dtype: DType) -> Vec<(Cow<'_, Weights>, Precision)> {
        let precision = half_weights(dtype);
        let mut networks = vec![(Cow::Borrowed(&self.unet_weights), precision)];
        if let Kind::Text(parts) = &self.kind {
            networks.extend(parts.text.iter().map(|part| (Cow::Borrowed(&part.weights), precision)));
            networks.push((Cow::Borrowed(&parts.vae.weights), half_weights(DType::F32)));
        }
        let controls = self.controls.iter().filter_map(|control| control.loaded_weights(&self.unet_weights));
        networks.extend(controls.map(|weights| (Cow::Owned(weights), precision)));
        for adapter in &self.image_adapters {
            networks.push((Cow::Borrowed(adapter.weights()), precision));
            networks.extend(adapter.encoder_weights().map(|weights| (Cow::Borrowed(weights), precision)));
        }
        networks
    }
}

impl Memory {
    /// Whether a device can use weights in their files; otherwise low memory is the same as normal memory.
    pub fn has_effect_on(self, device: &DeviceInfo) -> bool {
        self == Self::Normal || (MappedWeights::is_supported() && is_flex(&device.name))
    }
}
