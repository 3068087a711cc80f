//! Whether a control network was made for a model: said before any weights are loaded.

use sd_adapters::{T2iAdapterConfig, T2iAdapterKind};
use sd_unet::{ControlNetConfig, UnetConfig};
use sd_weights::single_file::Family;

use super::file::{Change, ControlFile, Network};
use crate::component::name_of_family;
use crate::config::t2i_adapter_fits;
use crate::text_to_image::TextToImage;
use crate::{Field, Model, ModelError};

impl ControlFile {
    /// Returns the network's configuration for a model.
    ///
    /// # Errors
    ///
    /// [`ModelError::Request`] for a model that it does not fit.
    pub(super) fn fitted(&self, model: &Model) -> Result<Network, ModelError> {
        let refuse = |reason: String| ModelError::request(Field::Control, format!("{}: {reason}", self.path.display()));
        let Some(parts) = model.text_to_image() else {
            return Err(refuse("this model draws in pixels, without a text, and has no control networks".into()));
        };
        let unfit = |detail: String| {
            let (kind, ours) = (self.kind(), model.family_name());
            refuse(match self.family_name().filter(|theirs| *theirs != ours) {
                Some(theirs) => format!(
                    "this {kind} is for {theirs}, but the model is {ours} ({detail}): use one that was made for it"
                ),
                None => format!("this {kind} is for another U-Net than the model's, {ours}: {detail}"),
            })
        };
        let unet = &parts.unet_config;
        match &self.network {
            Network::Adapter(config) if t2i_adapter_fits(config, unet, parts.vae.config.factor()) => {
                Ok(self.network.clone())
            }
            Network::Adapter(config) => {
                let detail = format!("its features have {:?} channels", config.feature_channels());
                Err(unfit(detail))
            }
            Network::Net(config) => match difference(config, parts) {
                Some(detail) => Err(unfit(detail)),
                None => Ok(Network::Net(config.clone())),
            },
            Network::Inferred(config) => match difference(config, parts) {
                Some(detail) => Err(unfit(detail)),
                None => Ok(Network::Net(like(config.clone(), unet))),
            },
            Network::Change(Change { hint_channels, hint_widths, text, is_xl }) => {
                let reads = text.unwrap_or(unet.cross_attention_dim);
                if (*is_xl && unet.addition.is_none()) || reads != unet.cross_attention_dim {
                    return Err(unfit(widths(reads, unet.cross_attention_dim)));
                }
                if unet.in_channels != parts.vae.config.latent_channels() {
                    let (kind, channels) = (self.kind(), unet.in_channels);
                    let detail = format!("the model's reads {channels} channels");
                    return Err(refuse(format!("this {kind} changes a U-Net that reads latents alone, but {detail}")));
                }
                let config = ControlNetConfig::new(unet.clone()).with_hint_channels(*hint_channels);
                Ok(Network::Net(config.with_hint_widths(hint_widths.clone())))
            }
        }
    }

    /// The family of models that a ControlNet is for, if it is a known one.
    pub(crate) fn family(&self) -> Option<Family> {
        let (text, is_xl) = match &self.network {
            Network::Net(ControlNetConfig { unet, .. }) | Network::Inferred(ControlNetConfig { unet, .. }) => {
                (Some(unet.cross_attention_dim), unet.addition.is_some())
            }
            Network::Change(change) => (change.text, change.is_xl),
            Network::Adapter(_) => return None,
        };
        match (is_xl, text) {
            (true, Some(1280)) => Some(Family::XlRefiner),
            (true, _) => Some(Family::Xl),
            (false, Some(1024)) => Some(Family::Sd2),
            (false, Some(768)) => Some(Family::Sd1),
            (false, _) => None,
        }
    }

    /// The family of models that the network is for, in words.
    pub(crate) fn family_name(&self) -> Option<&'static str> {
        match &self.network {
            Network::Adapter(T2iAdapterConfig { kind: T2iAdapterKind::FullXl, .. }) => Some(name_of_family(Family::Xl)),
            Network::Adapter(_) => Some("Stable Diffusion 1.x and 2.x"),
            _ => self.family().map(name_of_family),
        }
    }
}

/// Says in what a ControlNet and the model's U-Net differ; `None` if they fit.
fn difference(config: &ControlNetConfig, parts: &TextToImage) -> Option<String> {
    let (ours, unet, latents) = (&config.unet, &parts.unet_config, parts.vae.config.latent_channels());
    let shape = |config: &UnetConfig| -> Vec<(usize, usize)> {
        config.levels.iter().map(|level| (level.channels, level.resnets)).collect()
    };
    let [pooled_ours, pooled_unet] = [ours, unet].map(|config| config.addition.map(|addition| addition.input_dim));
    let attends = ours.has_middle_attention() || ours.levels.iter().any(|level| !level.down_attention.is_empty());
    let factor = parts.vae.config.factor();
    match () {
        () if pooled_ours != pooled_unet => {
            let pooled = |width: Option<usize>| {
                width.map_or("no pooled text".into(), |width| format!("pooled text and sizes of width {width}"))
            };
            Some(format!("it reads {}, the model's U-Net {}", pooled(pooled_ours), pooled(pooled_unet)))
        }
        () if attends && ours.cross_attention_dim != unet.cross_attention_dim => {
            Some(widths(ours.cross_attention_dim, unet.cross_attention_dim))
        }
        () if shape(ours) != shape(unet) => {
            let channels = |config: &UnetConfig| config.levels.iter().map(|level| level.channels).collect::<Vec<_>>();
            Some(format!("its levels have {:?} channels, the model's {:?}", channels(ours), channels(unet)))
        }
        () if unet.self_conditioning => {
            Some("the model's U-Net also reads its last prediction (`self_conditioning`)".into())
        }
        () if ours.in_channels != latents => {
            Some(format!("it reads latents of {} channels, the model's have {latents}", ours.in_channels))
        }
        () if config.factor() != factor => {
            Some(format!("it reads {} pixels per latent, the model's autoencoder has {factor}", config.factor()))
        }
        () => None,
    }
}

fn widths(ours: usize, models: usize) -> String {
    format!("it reads text embeddings of width {ours}, the model's have {models}")
}

/// Takes from the U-Net what shapes do not tell.
fn like(mut config: ControlNetConfig, unet: &UnetConfig) -> ControlNetConfig {
    for (level, theirs) in config.unet.levels.iter_mut().zip(&unet.levels) {
        level.heads = theirs.heads;
    }
    let UnetConfig { norm_num_groups, norm_eps, addition, .. } = *unet;
    // One without attention reads no text.
    let cross_attention_dim = unet.cross_attention_dim;
    config.unet = UnetConfig { norm_num_groups, norm_eps, addition, cross_attention_dim, ..config.unet };
    config
}
