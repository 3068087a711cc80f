use crate::{Recipe, Training};

impl Recipe {
    /// Checks that textual inversion, and no other training, has a word and a model that learns it.
    pub(crate) fn check_inversion(&self) -> Result<(), String> {
        match (&self.inversion, self.train, &self.start) {
            (Some(_), train, _) if train != Training::TextualInversion => {
                Err("[inversion] is not used in this training: remove it".into())
            }
            (None, Training::TextualInversion, _) => {
                Err("no table [inversion]: it has the new word, `token`, and a known one that it begins as, `initial`"
                    .into())
            }
            (Some(_), _, None) => {
                Err("`start` is missing: name the folder of the model that is to learn the word".into())
            }
            (Some(inversion), ..) => inversion.check(),
            (None, ..) => Ok(()),
        }
    }
}
