use burn::module::Module;
use burn::tensor::Tensor;
use sd_clip::{ClipText, Tokenizer};
use sd_unet::Unet;

use super::encoded_text::EncodedText;

/// The networks that turn noise and a text into latents.
///
/// To train the U-Net alone, [freeze](Module::freeze) the text encoders.
#[derive(Module, Debug)]
pub struct TextToLatents {
    /// Reads the captions.
    pub text: ClipText,
    /// Stable Diffusion XL's second text encoder, which reads them too.
    pub text_2: Option<ClipText>,
    /// Predicts the noise.
    pub unet: Unet,
}

impl TextToLatents {
    /// Creates the networks of Stable Diffusion 1.x or 2.x.
    pub fn new(text: ClipText, unet: Unet) -> Self {
        Self { text, text_2: None, unet }
    }

    /// Adds XL's second text encoder.
    #[must_use]
    pub fn with_second(self, text: ClipText) -> Self {
        Self { text_2: Some(text), ..self }
    }

    /// Encodes captions of the [ids](token_ids) that the text encoders read: the last states of the only one, or in XL the penultimate
    /// states of both and the pooled vector of the second (Podell et al. 2023, section 2.1).
    ///
    /// # Panics
    ///
    /// As [`ClipText::forward`]; and for XL if a text encoder has a single layer.
    pub fn encode(&self, captions: &[Vec<u32>]) -> EncodedText {
        let Some(second) = &self.text_2 else { return self.text.forward(captions).last.into() };
        let halves = captions.iter().map(|ids| ids.split_at(ids.len() / 2));
        let (first, others): (Vec<_>, Vec<_>) = halves.map(|(a, b)| (a.to_vec(), b.to_vec())).unzip();
        let other = second.forward(&others);
        let states = Tensor::cat(vec![self.text.forward(&first).penultimate(), other.penultimate()], 2);
        EncodedText { states, pooled: Some(other.pooled) }
    }
}

/// Returns the token ids of a caption for each text encoder, one after the other. XL's encoders have tokenizers that pad differently.
pub fn token_ids(tokenizers: &[Tokenizer], caption: &str) -> Vec<u32> {
    tokenizers.iter().flat_map(|tokenizer| tokenizer.encode(caption).ids).collect()
}
