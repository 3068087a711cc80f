//! Wildcards and combinations.

mod all;
mod choices;
mod draw;
mod error;
mod parse;
mod survey;
mod template;
mod wildcards;

pub use all::All;
pub use error::ExpandError;
pub use template::Template;
pub use wildcards::Wildcards;

/// How deeply braces and wildcards may be nested.
const MAX_DEPTH: usize = 100;

/// How large a text may become: its bytes, and one for each of its parts.
const MAX_SIZE: usize = 1 << 20;

/// What is left of [`MAX_SIZE`].
struct Budget(usize);

impl Budget {
    fn new() -> Self {
        Self(MAX_SIZE)
    }

    /// Takes one part of this many bytes.
    fn spend(&mut self, bytes: usize) -> Result<(), ExpandError> {
        self.0 = self.0.checked_sub(bytes + 1).ok_or(ExpandError::TooLong)?;
        Ok(())
    }
}
