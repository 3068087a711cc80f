use serde::Deserialize;

use crate::templates::Templates;

/// The word that textual inversion adds to a model's vocabulary.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InversionConfig {
    /// The new word, as prompts will have it: `<my-house>`.
    pub token: String,
    /// What its vectors begin as: a word that the model knows, or several.
    pub initial: String,
    /// Number of vectors; by default the number of tokens of `initial`.
    pub vectors: Option<usize>,
    /// The captions of all images, instead of their own: `object`, `style`, or a list of texts.
    pub templates: Option<Templates>,
}

impl InversionConfig {
    /// Checks the texts and the numbers.
    ///
    /// # Errors
    ///
    /// The key, its value and what was expected.
    pub(crate) fn check(&self) -> Result<(), String> {
        let token = &self.token;
        if token.is_empty() || token.contains(char::is_whitespace) {
            return Err(format!(
                "`inversion.token` is {token:?}, expected a word without spaces, such as \"<my-house>\""
            ));
        }
        if self.vectors == Some(0) {
            return Err("`inversion.vectors` is 0, expected at least 1".into());
        }
        self.templates.as_ref().map_or(Ok(()), Templates::check)
    }
}
