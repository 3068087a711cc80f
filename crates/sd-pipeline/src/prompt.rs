use burn::tensor::Tensor;
use sd_clip::TextEncoding;
use sd_unet::AddedConditions;

use crate::networks::TextNetworks;
use crate::{Error, Model, Request};

/// What the U-Net is told about the texts: one row for the prompt of each picture, all of them preceded by as many for
/// the negative prompt where the pictures are guided.
pub(crate) struct Conditions {
    /// `[rows, tokens, cross_attention_dim]`.
    pub context: Tensor<3>,
    /// Pooled text and sizes, for XL.
    pub added: Option<AddedConditions>,
}

impl Conditions {
    /// Encodes the texts of requests that `model` has checked, and that share all but their prompts.
    pub fn of(requests: &[Request], model: &Model, networks: &TextNetworks) -> Result<Self, Error> {
        let parts = model.text_to_picture().expect("networks that read a text are of such a model");
        let request = &requests[0];
        let negative = request.negative_prompt.as_deref();
        let guided = request.is_guided(model)?;
        let negatives = vec![negative.unwrap_or(""); if guided { requests.len() } else { 0 }];
        let wanted = requests.iter().map(|request| request.prompt.as_deref().unwrap_or_default());
        let prompts: Vec<&str> = negatives.into_iter().chain(wanted).collect();
        let encode = |(part, encoder): (&crate::model::TextPart, &sd_clip::ClipText)| {
            let ids: Vec<Vec<u32>> = prompts.iter().map(|prompt| part.tokenizer.encode(prompt).ids).collect();
            encoder.forward(&ids)
        };
        let encodings: Vec<TextEncoding> = parts.text.iter().zip(&networks.text).map(encode).collect();
        let rows = prompts.len();
        if !model.is_xl() {
            let context = encodings.into_iter().next().expect("a model has a text encoder").last;
            return Ok(Self { context, added: None });
        }
        let mut pooled = encodings.last().expect("XL has two text encoders").pooled.clone();
        let mut context = Tensor::cat(encodings.into_iter().map(|encoding| encoding.penultimate).collect(), 2);
        if guided && negative.is_none() && parts.zeros_for_no_negative {
            context = without_first_half(context);
            pooled = without_first_half(pooled);
        }
        let (width, height) = request.size(model)?;
        let (width, height) = (width as f64, height as f64);
        // Original size, crop corner and target size: a picture that was made at this size and never cropped.
        let time_ids = vec![[height, width, 0.0, 0.0, height, width]; rows];
        Ok(Self { context, added: Some(AddedConditions { text_embeds: pooled, time_ids }) })
    }
}

/// Zeros in the first half of the rows.
fn without_first_half<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let [first, second] = x.chunk(2, 0).try_into().expect("two halves");
    Tensor::cat(vec![first.zeros_like(), second], 0)
}
