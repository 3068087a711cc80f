use sd_clip::{Tokenizer, Vocabulary};
use sd_model::config::clip_config;

use super::folder::copy;
use super::kept::keep;
use crate::files::write;
use crate::{Recipe, RecipeError};

/// Number of tokens without any merges.
pub(super) const LEAST: usize = 514;

/// Returns the tokenizer of the checkpoint. If the training begins, it is that of the start folder, or one learnt from the
/// captions.
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
