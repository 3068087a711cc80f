use burn::tensor::Tensor;
use sd_clip::{ClipText, TextEncoding};
use sd_unet::AddedConditions;

use crate::plan::batch::Batch;
use crate::text_part::TextPart;
use crate::text_to_image::TextToImage;

/// What the U-Net is given of the texts: one row for the prompt of each image, all of them preceded by as many for the
/// negative prompt where the images are guided.
pub(crate) struct Conditions {
    /// `[rows, tokens, cross_attention_dim]`.
    pub context: Tensor<3>,
    /// Pooled text and sizes, for XL.
    pub added: Option<AddedConditions>,
}

impl Conditions {
    /// Encodes the texts of a batch with the model's text encoders, one for each of its tokenizers.
    pub fn encode(batch: &Batch, parts: &TextToImage, encoders: &[ClipText]) -> Self {
        let settings = batch.settings;
        let (negative, guided) = (settings.negative_prompt.as_deref(), settings.is_guided());
        let negatives = vec![negative.unwrap_or(""); if guided { batch.plans.len() } else { 0 }];
        let wanted = batch.plans.iter().map(|plan| plan.prompt.as_deref().unwrap_or_default());
        let prompts: Vec<&str> = negatives.into_iter().chain(wanted).collect();
        let encode = |(part, encoder): (&TextPart, &ClipText)| {
            let ids: Vec<Vec<u32>> = prompts.iter().map(|prompt| part.tokenizer.encode(prompt).ids).collect();
            encoder.forward(&ids)
        };
        let encodings: Vec<TextEncoding> = parts.text.iter().zip(encoders).map(encode).collect();
        let rows = prompts.len();
        if parts.unet_config.addition.is_none() {
            let context = encodings.into_iter().next().expect("a model has a text encoder").last;
            return Self { context, added: None };
        }
        let mut pooled = encodings.last().expect("XL has two text encoders").pooled.clone();
        let mut context = Tensor::cat(encodings.into_iter().map(|encoding| encoding.penultimate).collect(), 2);
        if guided && negative.is_none() && parts.zeros_for_no_negative {
            context = without_first_half(context);
            pooled = without_first_half(pooled);
        }
        let (width, height) = (settings.width.value as f64, settings.height.value as f64);
        // Original size, crop corner and target size: an image that was made at this size and never cropped.
        let time_ids = vec![[height, width, 0.0, 0.0, height, width]; rows];
        Self { context, added: Some(AddedConditions { text_embeds: pooled, time_ids }) }
    }
}

/// Zeros in the first half of the rows.
fn without_first_half<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let [first, second] = x.chunk(2, 0).try_into().expect("two halves");
    Tensor::cat(vec![first.zeros_like(), second], 0)
}
