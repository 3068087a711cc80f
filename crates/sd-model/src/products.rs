//! How linear layers multiply whose weights have 8 bits.

use sd_device::{DeviceInfo, is_flex};
use sd_weights::Weights;

use crate::model::Model;
use crate::{Field, ModelError};

/// How linear layers multiply whose weights are in `q8_0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Products {
    /// Weights are widened to single precision, so that nothing is computed with fewer bits.
    #[default]
    Widened,
    /// Integers of 8 bits: each 32 inputs of a row are rounded to 127 steps of their largest magnitude, as stable-diffusion.cpp
    /// does. This changes images, and is several times as fast on processors with instructions for it.
    ///
    /// It is for Burn's Flex backend, and for layers with a multiple of 16 outputs. Convolutions and what a LoRA changes are
    /// computed in single precision.
    Int8,
}

impl Model {
    /// Sets how linear layers multiply whose weights are in `q8_0` when the model is loaded onto Burn's Flex backend.
    #[must_use]
    pub fn with_products(self, products: Products) -> Self {
        Self { int8: products == Products::Int8, ..self }
    }

    /// Returns the share of the weights of the U-Net and the text encoders that [integers](Products::Int8) of 8 bits multiply,
    /// from 0 to 1.
    pub fn int8_share(&self) -> f64 {
        let text = self.text_to_image().into_iter().flat_map(|parts| &parts.text).map(|part| &part.weights);
        let all = || text.clone().chain([&self.unet_weights]);
        let count = |values: fn(&Weights) -> usize| all().map(values).sum::<usize>();
        count(Weights::values_for_panels) as f64 / count(Weights::elements).max(1) as f64
    }

    /// Checks that a device and this model can multiply so.
    ///
    /// # Errors
    ///
    /// [`ModelError::Request`] about [`Field::Int8`].
    pub fn check_products(&self, products: Products, device: &DeviceInfo) -> Result<(), ModelError> {
        let reason = match products {
            Products::Int8 if !is_flex(&device.name) => {
                format!("is for the device flex, not for {}", device.name)
            }
            Products::Int8 if self.int8_share() == 0.0 => format!(
                "needs linear layers with weights in q8_0, and {} has none: write some with `sd convert --quantize q8_0`",
                self.unet_weights.origin().display()
            ),
            _ => return Ok(()),
        };
        Err(ModelError::request(Field::Int8, reason))
    }
}
