use std::fmt;

use sd_unet::UnetConfig;

use crate::text_part::TextPart;
use crate::vae::VaePart;

/// The parts of a text-to-image model, except its U-Net's weights and its scheduler.
#[derive(Debug)]
pub(crate) struct TextToImage {
    pub text: Vec<TextPart>,
    pub unet_config: UnetConfig,
    pub vae: VaePart,
    /// Whether a missing negative prompt means zeros rather than an empty prompt.
    pub zeros_for_no_negative: bool,
    /// Whether an aesthetic score takes the place of the target size, as in XL's refiner.
    pub wants_aesthetic_score: bool,
}

/// What a network reads beside the noisy latents: further input channels, which follow those of the latents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExtraInput {
    /// A mask and the latents of the image without the masked part: models for inpainting.
    Mask,
    /// The latents of the image to edit: InstructPix2Pix.
    Image,
    /// The depth of each latent, −1 to 1: depth-to-image.
    Depth,
}

/// What it is, in words.
impl fmt::Display for ExtraInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mask => "a mask and the rest of an image",
            Self::Image => "an image to edit",
            Self::Depth => "depths",
        })
    }
}

impl ExtraInput {
    /// Number of input channels, for latents of `latents` channels.
    pub fn channels(self, latents: usize) -> usize {
        match self {
            Self::Mask => 1 + latents,
            Self::Image => latents,
            Self::Depth => 1,
        }
    }
}

impl TextToImage {
    /// Input channels of the noisy latents, and of those that were last predicted if the network reads them.
    fn own_inputs(&self) -> usize {
        let latents = self.vae.config.latent_channels();
        if self.unet_config.self_conditioning { 2 * latents } else { latents }
    }

    /// What the network reads beside the noisy latents.
    pub fn extra_input(&self) -> Option<ExtraInput> {
        let latents = self.vae.config.latent_channels();
        let extra = self.unet_config.in_channels.checked_sub(self.own_inputs())?;
        [ExtraInput::Mask, ExtraInput::Image, ExtraInput::Depth]
            .into_iter()
            .find(|input| input.channels(latents) == extra)
    }

    /// Checks that the parts fit together.
    pub fn check(&self) -> Result<(), String> {
        let (unet, latents) = (&self.unet_config, self.vae.config.latent_channels());
        let gives_latents = [latents, 2 * latents].contains(&unet.out_channels);
        if !gives_latents || (unet.in_channels != self.own_inputs() && self.extra_input().is_none()) {
            let [depth, image, mask] =
                [ExtraInput::Depth, ExtraInput::Image, ExtraInput::Mask].map(|extra| latents + extra.channels(latents));
            return Err(format!(
                "the U-Net takes {} channels and gives {}, but latents have {latents}: supported are inputs of {latents} (text), \
                 {depth} (and depth), {image} (and an image) and {mask} (and a mask), and outputs of {latents} and {} (and a variance)",
                unet.in_channels,
                unet.out_channels,
                2 * latents
            ));
        }
        let expected = match unet.addition {
            Some(_) if self.wants_aesthetic_score => 1,
            Some(_) => 2,
            None => 1,
        };
        if self.text.len() != expected {
            return Err(format!("{} text encoders, but this U-Net reads {expected}", self.text.len()));
        }
        let context: usize = self.text.iter().map(|part| part.config.hidden_size).sum();
        if context != unet.cross_attention_dim {
            return Err(format!(
                "the text embeddings have width {context}, but the U-Net reads {}",
                unet.cross_attention_dim
            ));
        }
        if let Some(addition) = unet.addition {
            let last = &self.text[self.text.len() - 1].config;
            let sizes = if self.wants_aesthetic_score { 5 } else { 6 };
            let width = sizes * addition.time_embed_dim + last.projection_dim.unwrap_or(last.hidden_size);
            if width != addition.input_dim {
                return Err(format!(
                    "sizes and pooled text have width {width}, but the U-Net reads {}",
                    addition.input_dim
                ));
            }
        }
        for part in &self.text {
            let (tokens, positions) = (part.tokenizer.max_length(), part.config.max_position_embeddings);
            if tokens > positions {
                return Err(format!("the tokenizer makes {tokens} tokens, but the text encoder takes {positions}"));
            }
            let (highest, known) = (part.tokenizer.highest_id() as usize, part.config.vocab_size);
            if highest >= known {
                return Err(format!("the tokenizer has the id {highest}, but the text encoder knows {known} tokens"));
            }
        }
        Ok(())
    }
}
