/// A piece of a [`Text`](crate::Text).
#[derive(Clone, Debug, PartialEq)]
pub enum Fragment {
    /// Text, to be tokenized by itself.
    Words {
        /// The text without the syntax around it.
        text: String,
        /// The emphasis; 1 changes nothing.
        weight: f64,
    },
    /// `BREAK`: what follows starts a new chunk.
    Break,
}

/// Brackets nested deeper than this change no weight, so that no prompt takes quadratic time or a deep stack.
pub(crate) const DEEPEST: usize = 100;
