use super::family::{Family, UNET, VAE};
use super::text::{open_clip, open_clip_with_projection};
use super::unet::{UnetPlan, unet};
use super::vae::{vae, vae_levels};
use super::{Predicted, SingleFile};
use crate::name_table::Table;
use crate::tensor_view::TensorView;
use crate::{View, Weights, WeightsError, WeightsWriter};

/// Prefixes of the names of text encoders.
const CLIP: &str = "cond_stage_model.transformer.";
const OPEN_CLIP: &str = "cond_stage_model.model.";
const XL_CLIP: &str = "conditioner.embedders.0.transformer.";
const XL_OPEN_CLIP: &str = "conditioner.embedders.1.model.";
const REFINER: &str = "conditioner.embedders.0.model.";

/// A transformer's projections, which are 1×1 convolutions in the original U-Net of 1.x.
pub(crate) const PROJECTIONS: [&str; 2] = [".proj_in.", ".proj_out."];

/// The autoencoder's attention, which consists of 1×1 convolutions in all single files.
const ATTENTION: [&str; 1] = [".attn_1."];

/// Writing. The parts have to be [fitted](Weights::fitted) to their networks.
impl SingleFile {
    /// Joins the parts to one file, the inverse of [`open`](Self::open).
    ///
    /// # Errors
    ///
    /// [`WeightsError::Mismatch`] for a network that single files have no names for.
    pub fn joined(&self) -> Result<WeightsWriter, WeightsError> {
        let mut writer = WeightsWriter::default();
        writer.add_metadata("format", "pt");
        writer.architecture = match self.family {
            Family::Sd1 => Some("sd1"),
            Family::Sd2 => None,
            Family::Xl | Family::XlRefiner => Some("sdxl"),
        };
        let table = unet(&UnetPlan::from_diffusers(self.unet.keys()));
        join(&mut writer, &self.unet, UNET, &table, self.projections())?;
        if let Some(weights) = &self.vae {
            join(&mut writer, weights, VAE, &vae(vae_levels(weights.keys())), &ATTENTION)?;
        }
        for (i, weights) in self.text.iter().enumerate() {
            let layers = weights.keys().filter(|key| key.ends_with(".mlp.fc1.weight")).count();
            let clip = || {
                let mut table = Table::default();
                table.row("text_model", "text_model");
                table
            };
            let (prefix, table) = match (self.family, i) {
                (Family::Sd1, _) => (CLIP, clip()),
                (Family::Sd2, _) => (OPEN_CLIP, open_clip(layers)),
                (Family::Xl, 0) => (XL_CLIP, clip()),
                (Family::Xl, _) => (XL_OPEN_CLIP, open_clip_with_projection(layers)),
                (Family::XlRefiner, _) => (REFINER, open_clip_with_projection(layers)),
            };
            join(&mut writer, weights, prefix, &table, &[])?;
        }
        match self.prediction {
            Some(Predicted::V) => {
                writer.add_metadata("modelspec.prediction_type", "v");
                writer.add_marker("v_pred");
            }
            Some(Predicted::Epsilon) => writer.add_metadata("modelspec.prediction_type", "epsilon"),
            Some(Predicted::Other(_)) | None => {}
        }
        if self.zero_terminal_snr {
            writer.add_marker("ztsnr");
        }
        Ok(writer)
    }

    /// Splits the parts into the files of a folder of the diffusers layout, each with its path there.
    pub fn apart(&self) -> Vec<(&'static str, WeightsWriter)> {
        let mut network = self.unet.clone();
        let tensors = std::mem::take(&mut network.tensors);
        let shaped = |(key, tensor): (String, TensorView)| (key.clone(), shaped(&key, tensor, self.projections()));
        network.tensors = tensors.into_iter().map(shaped).collect();
        let unet = ("unet/diffusion_pytorch_model.safetensors", WeightsWriter::new(&network));
        let vae = self.vae.as_ref().map(|vae| ("vae/diffusion_pytorch_model.safetensors", WeightsWriter::new(vae)));
        let file = |folder: &&str| match *folder {
            "text_encoder" => "text_encoder/model.safetensors",
            _ => "text_encoder_2/model.safetensors",
        };
        let text = self.family.text_encoders().iter().map(file).zip(self.text.iter().map(WeightsWriter::new));
        [unet].into_iter().chain(vae).chain(text).collect()
    }

    fn projections(&self) -> &'static [&'static str] {
        if self.family == Family::Sd1 { &PROJECTIONS } else { &[] }
    }
}

/// Adds a part under the names of single files; modules with one of `convolutions` in their names become 1×1 convolutions.
pub(crate) fn join(
    writer: &mut WeightsWriter,
    weights: &Weights,
    prefix: &str,
    table: &Table,
    convolutions: &[&str],
) -> Result<(), WeightsError> {
    for (key, tensor) in &weights.tensors {
        let (name, view) = table.to_single(key).ok_or_else(|| WeightsError::Mismatch {
            file: weights.origin.clone(),
            problems: format!("single files have no name for `{key}`"),
        })?;
        let part = if view == View::Transposed { tensor.clone().transposed() } else { tensor.clone() };
        writer.add_part(format!("{prefix}{name}"), view.part().0, shaped(&name, part, convolutions));
    }
    Ok(())
}

/// Turns a matrix into a 1×1 convolution if its module is one.
pub(crate) fn shaped(name: &str, tensor: TensorView, convolutions: &[&str]) -> TensorView {
    let is_convolution = tensor.shape.len() == 2 && convolutions.iter().any(|part| name.contains(part));
    if is_convolution { tensor.ending_in_ones(4) } else { tensor }
}
