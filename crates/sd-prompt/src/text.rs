use crate::{Fragment, Syntax, attention, nested};

/// A prompt's text during some steps: what the text encoders see.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// Whose rules it was read by; [`Text::chunks`] follows the same.
    pub syntax: Syntax,
    /// The words and breaks in order.
    pub fragments: Vec<Fragment>,
}

impl Text {
    /// Reads the weights of a text, which may hold every character sequence.
    ///
    /// Brackets nested more than 100 deep change no weight.
    pub fn parse(text: &str, syntax: Syntax) -> Self {
        let fragments = match syntax {
            Syntax::A1111 => attention::fragments(text),
            Syntax::Comfy => nested::fragments(text),
            Syntax::Plain => vec![Fragment::Words { text: text.to_owned(), weight: 1.0 }],
        };
        Self { syntax, fragments }
    }

    /// Whether there is nothing but text of weight 1.
    pub fn is_plain(&self) -> bool {
        self.fragments.iter().all(|fragment| matches!(fragment, Fragment::Words { weight: 1.0, .. }))
    }
}
