use super::kind::ControlLayout;
use super::names::from_diffusers;
use crate::single_file::Family;
use crate::single_file::write::{PROJECTIONS, join, shaped};
use crate::{Weights, WeightsError, WeightsWriter};

/// The prefix that all programs read.
const PREFIX: &str = "control_model.";

impl ControlLayout {
    /// Returns a writer of a ControlNet for a family of models. The weights have to be [fitted](Weights::fitted) to the network.
    ///
    /// # Errors
    ///
    /// [`WeightsError::Mismatch`] for a network that the original program has no names for.
    pub fn writer(self, weights: &Weights, family: Family) -> Result<WeightsWriter, WeightsError> {
        let convolutions: &[&str] = if family == Family::Sd1 { &PROJECTIONS } else { &[] };
        match self {
            Self::Original => {
                let mut writer = WeightsWriter::default();
                writer.add_metadata("format", "pt");
                join(&mut writer, weights, PREFIX, &from_diffusers(weights.keys()), convolutions)?;
                Ok(writer)
            }
            Self::Diffusers => {
                let mut all = weights.clone();
                for (key, tensor) in &mut all.tensors {
                    *tensor = shaped(key, tensor.clone(), convolutions);
                }
                Ok(WeightsWriter::new(&all))
            }
        }
    }
}
