//! Weights for products of integers.

use burn::tensor::TensorData;
use sd_quant::Panels;

use crate::block_view::quantized_rows;
use crate::tensor_view::TensorView;
use crate::{Weights, WeightsError};

impl Weights {
    /// Makes [`load`](Self::load) pack weights of linear layers in `q8_0` into [`Panels`], where blocks
    /// [are kept](crate::Precision::keeps_blocks): the operators of `sd_ops` then round the layers' inputs to 8 bits, too, and
    /// multiply integers.
    ///
    /// A layer needs whole panels, of 16 outputs. Other layers, and those that a [LoRA](crate::Lora) changes, are loaded as
    /// without this.
    #[must_use]
    pub fn in_panels(&self) -> Self {
        Self { has_panels: true, ..self.clone() }
    }

    /// Returns the number of values of the matrices that [`in_panels`](Self::in_panels) packs.
    pub fn values_for_panels(&self) -> usize {
        let matrices = self.tensors.iter().filter(|(key, tensor)| {
            tensor.shape.len() == 2 && tensor.panel_sizes().is_some() && !self.patches.contains_key(*key)
        });
        matrices.map(|(_, tensor)| tensor.elements()).sum()
    }
}

impl TensorView {
    /// Returns the outputs and inputs of a weight that panels take.
    fn panel_sizes(&self) -> Option<[usize; 2]> {
        let outputs = *self.shape.first()?;
        let sizes = [outputs, self.elements().checked_div(outputs)?];
        self.block_kind().filter(|kind| Panels::fit(*kind, sizes)).map(|_| sizes)
    }

    /// Reads the blocks of a linear layer's weight as the quantized tensor of its panels, if these take it:
    /// `[16 outputs of 32 inputs, their bytes]`.
    pub fn panels(&self, key: &str) -> Result<Option<TensorData>, WeightsError> {
        let Some([_, inputs]) = self.panel_sizes() else { return Ok(None) };
        Ok(self.blocks(key)?.map(|(_, blocks)| quantized_panels(blocks, inputs)))
    }
}

/// Returns a matrix's blocks in `q8_0`, output by output, as the quantized tensor of its [`Panels`]: `[16 outputs of 32 inputs,
/// their bytes]`.
///
/// # Panics
///
/// Panics if the bytes are no whole panels of outputs with so many inputs.
pub fn quantized_panels(mut blocks: Vec<u8>, inputs: usize) -> TensorData {
    Panels::pack(&mut blocks, inputs);
    quantized_rows(Panels::BYTES, blocks, 2)
}
