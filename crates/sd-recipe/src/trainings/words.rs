use std::path::Path;

use sd_clip::{Tokenizer, Vocabulary};
use sd_pipeline::config::clip_config;

use super::folder::{copy, create};
use crate::run::write;
use crate::{Recipe, RecipeError};

/// The tokens that there are without any merge.
const LEAST: usize = 514;

/// Makes the tokenizer folder of the model: that of the model to begin with, or one that is learnt from the captions.
pub(super) fn tokenizer(recipe: &Recipe, captions: &[String], folder: &Path) -> Result<Tokenizer, RecipeError> {
    if let Some(start) = &recipe.start {
        copy(&start.join("tokenizer"), folder)?;
    } else {
        let config = clip_config(recipe.table("text_encoder", &recipe.text_encoder), "CLIPTextModel")?;
        if config.vocab_size < LEAST {
            return Err(recipe.wrong(format!(
                "`vocab_size` is {}, expected at least {LEAST}: every byte is a token",
                config.vocab_size
            )));
        }
        let vocabulary = Vocabulary::learn(captions, config.vocab_size);
        create(folder)?;
        for (name, text) in vocabulary.files(config.max_position_embeddings) {
            write(&folder.join(name), text.as_bytes())?;
        }
    }
    Ok(Tokenizer::from_folder(folder)?)
}
