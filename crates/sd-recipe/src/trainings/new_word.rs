use sd_clip::{ClipTextConfig, Tokenizer};

use crate::InversionConfig;

/// A word that a model is to learn, as its text encoder reads it.
pub(super) struct NewWord {
    /// The model's, with the word.
    pub tokenizer: Tokenizer,
    /// Number of its vectors.
    pub vectors: usize,
    /// The tokens that it begins as.
    pub initial: Vec<u32>,
    token: String,
    /// Tokens of the model; the word's ids follow them.
    known: usize,
}

impl NewWord {
    /// Adds the word of a recipe to the tokenizer of a text encoder.
    ///
    /// # Errors
    ///
    /// The key, its value and what was expected.
    pub fn new(recipe: &InversionConfig, mut tokenizer: Tokenizer, text: &ClipTextConfig) -> Result<Self, String> {
        let InversionConfig { token, initial: text_of_initial, .. } = recipe;
        let (known, room) = (text.vocab_size, tokenizer.room());
        let initial: Vec<u32> = tokenizer.pieces(text_of_initial).concat();
        if initial.is_empty() || initial.iter().any(|id| *id as usize >= known) {
            return Err(format!("`inversion.initial` is {text_of_initial:?}, expected a word that the model knows"));
        }
        let (tokens, vectors) = (initial.len(), recipe.vectors.unwrap_or(initial.len()));
        if vectors < tokens {
            return Err(format!(
                "`inversion.vectors` is {vectors}, but `inversion.initial`, {text_of_initial:?}, has {tokens} tokens: choose a \
                 shorter text, or at least {tokens} vectors"
            ));
        }
        if vectors > room {
            return Err(format!("`inversion.vectors` is {vectors}, but a caption has room for {room}"));
        }
        let ids = (known..known + vectors).map(|id| id as u32).collect();
        tokenizer.add(token, ids).map_err(|_| {
            format!("`inversion.token` is {token:?}, which the model knows already: choose another word, such as \"<{token}>\"")
        })?;
        Ok(Self { tokenizer, vectors, initial, token: token.clone(), known })
    }

    /// Checks that a caption has the whole word, because nothing could be learnt otherwise.
    ///
    /// # Errors
    ///
    /// What to change in the recipe.
    pub fn check_captions(&self, captions: &[String]) -> Result<(), String> {
        let last = (self.known + self.vectors - 1) as u32;
        if captions.iter().any(|caption| self.tokenizer.encode(caption).ids.contains(&last)) {
            return Ok(());
        }
        let token = &self.token;
        Err(format!(
            "no caption has the word {token:?} of `inversion.token`: put it in front of all with `data.trigger = {token:?}`, or \
             choose `inversion.templates`"
        ))
    }
}
