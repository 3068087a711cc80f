use sd_model::{Model, TextEncoder};
use sd_unet::{AddedConditions, Conditions};

use crate::guidance::Guidance;
use crate::plan::batch::Batch;
use crate::{Embeddings, Error};

/// Embeddings that take the place of a plan's texts.
#[derive(Debug, Clone)]
pub(crate) struct GivenEmbeddings {
    pub prompt: Embeddings,
    /// None encodes the plan's negative prompt.
    pub negative: Option<Embeddings>,
}

/// The backbone's text conditions: one row for each image and group of the [`Guidance`].
pub(crate) fn conditions(
    batch: &Batch,
    encoder: &dyn TextEncoder,
    model: &Model,
    given: Option<&GivenEmbeddings>,
) -> Result<Conditions, Error> {
    let (settings, zeros_for_no_negative) = (batch.settings, model.zeros_for_no_negative());
    let embeddings = match given {
        None => encoded(batch, encoder, zeros_for_no_negative),
        Some(given) => given.rows(batch, encoder, zeros_for_no_negative)?,
    };
    let embeddings = match settings.guides() {
        Guidance::TextAndImage { .. } => Embeddings::join(&[embeddings.first_half(), embeddings]),
        Guidance::None | Guidance::Text(_) => embeddings,
    };
    let (rows, conditions) = (embeddings.rows(), Conditions::new(embeddings.context));
    let Some(text_embeds) = embeddings.pooled else { return Ok(conditions) };
    let (width, height) = (settings.width.value as f64, settings.height.value as f64);
    // Original size, crop corner and target size, as of an image made at this size and never cropped.
    let of_size = vec![height, width, 0.0, 0.0, height, width];
    let scored = |score| vec![height, width, 0.0, 0.0, score];
    let time_ids = (0..rows).map(|row| match model.wants_aesthetic_score() {
        false => of_size.clone(),
        true if row + batch.plans.len() < rows => scored(NEGATIVE_SCORE),
        true => scored(SCORE),
    });
    let time_ids = time_ids.collect();
    Ok(conditions.with_added(AddedConditions { text_embeds, time_ids }))
}

/// How pleasing the image should be, and the opposite of it, from 0 to 10: diffusers' defaults.
const SCORE: f64 = 6.0;
const NEGATIVE_SCORE: f64 = 2.5;

/// The texts of a batch, encoded together.
fn encoded(batch: &Batch, encoder: &dyn TextEncoder, zeros_for_no_negative: bool) -> Embeddings {
    let (negative, guided) = (batch.settings.negative_prompt.as_deref(), batch.settings.is_guided());
    let negatives = vec![negative.unwrap_or(""); if guided { batch.plans.len() } else { 0 }];
    let prompts = batch.plans.iter().map(|plan| plan.prompt.as_deref().unwrap_or_default());
    let embeddings = encoder.encode(&negatives.into_iter().chain(prompts).collect::<Vec<_>>());
    if guided && negative.is_none() && zeros_for_no_negative { embeddings.without_first_half() } else { embeddings }
}

impl GivenEmbeddings {
    fn rows(&self, batch: &Batch, encoder: &dyn TextEncoder, zeros_for_no_negative: bool) -> Result<Embeddings, Error> {
        let (expected, found) = (batch.plans.len(), self.prompt.rows());
        if found != expected {
            return Err(Error::Embeddings(format!("{found} rows of embeddings for {expected} images")));
        }
        if !batch.settings.is_guided() {
            return Ok(self.prompt.clone());
        }
        let text = batch.settings.negative_prompt.as_deref();
        let negative = match &self.negative {
            Some(negative) => negative.clone(),
            None if text.is_none() && zeros_for_no_negative => self.prompt.zeros_like(),
            None => encoder.encode(&vec![text.unwrap_or(""); expected]),
        };
        let negative = match (negative.rows(), expected) {
            (rows, images) if rows == images => negative,
            (1, images) => Embeddings::join(&vec![negative; images]),
            (rows, images) => {
                return Err(Error::Embeddings(format!("{rows} rows of negative embeddings for {images} images")));
            }
        };
        if negative.widths() != self.prompt.widths() {
            let (negative, prompt) = (negative.widths(), self.prompt.widths());
            return Err(Error::Embeddings(format!(
                "negative embeddings of widths {negative:?}, but the prompt's have {prompt:?}: encode both with one model"
            )));
        }
        Ok(Embeddings::join(&[negative, self.prompt.clone()]))
    }
}
