use super::family::{UNET, VAE};
use super::{
    Family, Predicted, SingleFile, Table, UnetPlan, open_clip, open_clip_with_projection, unet, vae, vae_levels,
};
use crate::place::Place;
use crate::{Draft, View, Weights, WeightsError};

/// What the names of text encoders begin with.
const CLIP: &str = "cond_stage_model.transformer.";
const OPEN_CLIP: &str = "cond_stage_model.model.";
const XL_CLIP: &str = "conditioner.embedders.0.transformer.";
const XL_OPEN_CLIP: &str = "conditioner.embedders.1.model.";

/// A transformer's projections, which the original U-Net of 1.x has as 1×1 convolutions.
const PROJECTIONS: [&str; 2] = [".proj_in.", ".proj_out."];

/// The autoencoder's attention, which is made of 1×1 convolutions in all single files.
const ATTENTION: [&str; 1] = [".attn_1."];

/// Writing, for parts that are [fitted](Weights::fitted) to their networks.
impl SingleFile {
    /// The parts as one file: the way back of [`open`](Self::open).
    ///
    /// # Errors
    ///
    /// [`WeightsError::Mismatch`] for a network that single files have no names for.
    pub fn joined(&self) -> Result<Draft, WeightsError> {
        let mut draft = Draft::default();
        draft.say("format", "pt");
        let table = unet(&UnetPlan::of_diffusers(self.unet.keys()));
        join(&mut draft, &self.unet, UNET, &table, self.projections())?;
        if let Some(weights) = &self.vae {
            join(&mut draft, weights, VAE, &vae(vae_levels(weights.keys())), &ATTENTION)?;
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
            };
            join(&mut draft, weights, prefix, &table, &[])?;
        }
        match self.prediction {
            Some(Predicted::V) => {
                draft.say("modelspec.prediction_type", "v");
                draft.mark("v_pred");
            }
            Some(Predicted::Epsilon) => draft.say("modelspec.prediction_type", "epsilon"),
            Some(Predicted::Other(_)) | None => {}
        }
        if self.zero_terminal_snr {
            draft.mark("ztsnr");
        }
        Ok(draft)
    }

    /// The parts as the files of a folder of the diffusers layout, each with its place there.
    pub fn apart(&self) -> Vec<(&'static str, Draft)> {
        let mut network = self.unet.clone();
        let tensors = std::mem::take(&mut network.tensors);
        let shaped = |(key, place): (String, Place)| (key.clone(), shaped(&key, place, self.projections()));
        network.tensors = tensors.into_iter().map(shaped).collect();
        let unet = ("unet/diffusion_pytorch_model.safetensors", Draft::of(&network));
        let vae = self.vae.as_ref().map(|vae| ("vae/diffusion_pytorch_model.safetensors", Draft::of(vae)));
        let text = ["text_encoder/model.safetensors", "text_encoder_2/model.safetensors"];
        let text = text.into_iter().zip(self.text.iter().map(Draft::of));
        [unet].into_iter().chain(vae).chain(text).collect()
    }

    fn projections(&self) -> &'static [&'static str] {
        if self.family == Family::Sd1 { &PROJECTIONS } else { &[] }
    }
}

/// Adds a part by the names of single files; modules with `convolutions` in their names become 1×1 convolutions.
fn join(
    draft: &mut Draft,
    weights: &Weights,
    prefix: &str,
    table: &Table,
    convolutions: &[&str],
) -> Result<(), WeightsError> {
    for (key, place) in &weights.tensors {
        let (name, view) = table.to_single(key).ok_or_else(|| WeightsError::Mismatch {
            file: weights.origin.clone(),
            problems: format!("single files have no name for `{key}`"),
        })?;
        let (index, place) = match view {
            View::Whole => (0, place.clone()),
            View::Third(third) => (third, place.clone()),
            View::Transposed => (0, place.clone().transposed()),
        };
        draft.put(format!("{prefix}{name}"), index, shaped(&name, place, convolutions));
    }
    Ok(())
}

/// A matrix of a module that is a convolution, as one.
fn shaped(name: &str, place: Place, convolutions: &[&str]) -> Place {
    let is_convolution = place.shape.len() == 2 && convolutions.iter().any(|part| name.contains(part));
    if is_convolution { place.ending_in_ones(4) } else { place }
}
