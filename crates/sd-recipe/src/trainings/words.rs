use sd_clip::{Tokenizer, Vocabulary};
use sd_model::config::clip_config;

use super::folder::copy;
use super::kept::keep;
use crate::run::write;
use crate::{Recipe, RecipeError};

/// The tokens that there are without any merge.
pub(super) const LEAST: usize = 514;

/// The tokenizer of the checkpoint; or, where the training begins, that of the model to begin with, or one that is learnt from
/// the captions.
pub(super) fn tokenizer(recipe: &Recipe, captions: &[String]) -> Result<Tokenizer, RecipeError> {
    let folder = keep(recipe, "tokenizer", |folder| {
        if let Some(start) = &recipe.start {
            return copy(&start.join("tokenizer"), folder);
        }
        let config = clip_config(recipe.table("text_encoder", &recipe.text_encoder), "CLIPTextModel")?;
        let vocabulary = Vocabulary::learn(captions, config.vocab_size);
        let mut files = vocabulary.files(config.max_position_embeddings).into_iter();
        files.try_for_each(|(name, text)| write(&folder.join(name), text.as_bytes()))
    })?;
    Ok(Tokenizer::from_folder(&folder)?)
}
