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
}

impl TextToImage {
    /// Checks that the parts fit together.
    pub fn check(&self) -> Result<(), String> {
        let (unet, latents) = (&self.unet_config, self.vae.config.latent_channels());
        if (unet.in_channels, unet.out_channels) != (latents, latents) {
            return Err(format!(
                "the U-Net takes {} channels and gives {}, but latents have {latents}: not a text-to-image model",
                unet.in_channels, unet.out_channels
            ));
        }
        let expected = if unet.addition.is_some() { 2 } else { 1 };
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
            let last = &self.text[1].config;
            let width = 6 * addition.time_embed_dim + last.projection_dim.unwrap_or(last.hidden_size);
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
