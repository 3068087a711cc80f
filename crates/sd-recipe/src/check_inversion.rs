use crate::{Recipe, Training};

impl Recipe {
    /// Checks that a textual inversion has a word and a model that learns it.
    pub(crate) fn check_inversion(&self) -> Result<(), String> {
        if self.train != Training::TextualInversion {
            return Ok(());
        }
        match (&self.inversion, &self.start) {
            (None, _) => {
                Err("no table [inversion]: it has the new word, `token`, and a known one that it begins as, `initial`"
                    .into())
            }
            (_, None) => Err("`start` is missing: name the folder of the model that is to learn the word".into()),
            (Some(inversion), _) => inversion.check(),
        }
    }
}
