use sd_clip::Tokenizer;

use crate::{Recipe, RecipeError};

/// Reads the tokenizers of the start folder: one, or Stable Diffusion XL's two.
pub(super) fn tokenizers(recipe: &Recipe, is_xl: bool) -> Result<Vec<Tokenizer>, RecipeError> {
    let start = recipe.start.as_ref().expect("a recipe that was read has one");
    let first = Tokenizer::from_folder(&start.join("tokenizer"))?;
    if !is_xl {
        return Ok(vec![first]);
    }
    let second = Tokenizer::from_folder(&start.join("tokenizer_2"))?;
    // The U-Net reads the states of both encoders side by side.
    let (room, other) = (first.room(), second.room());
    if room != other {
        return Err(recipe.wrong(format!(
            "the tokenizers of {} have room for {room} and {other} tokens, expected as many in both",
            start.display()
        )));
    }
    Ok(vec![first, second])
}
