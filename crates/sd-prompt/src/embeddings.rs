use crate::{Fragment, Text};

const PREFIX: &str = "embedding:";

impl Text {
    /// The names of the textual inversions that the text mentions as `embedding:name`, in order.
    ///
    /// A name begins a word and ends before the next space, `<`, `[` or final comma, as in ComfyUI.
    pub fn embeddings(&self) -> Vec<&str> {
        let words = self.fragments.iter().filter_map(|fragment| match fragment {
            Fragment::Words { text, .. } => Some(pieces(text)),
            Fragment::Break => None,
        });
        words.flatten().filter(|piece| piece.is_name).map(|piece| piece.text).collect()
    }

    /// The text with `name` for every `embedding:name`, as a fragment of its own: for a tokenizer that knows the names
    /// as words.
    #[must_use]
    pub fn with_bare_embeddings(&self) -> Self {
        let split = |fragment: &Fragment| match fragment {
            Fragment::Words { text, weight } if text.contains(PREFIX) => {
                let words = |piece: Piece<'_>| Fragment::Words { text: piece.text.to_owned(), weight: *weight };
                pieces(text).into_iter().map(words).collect()
            }
            whole => vec![whole.clone()],
        };
        Self { syntax: self.syntax, fragments: self.fragments.iter().flat_map(split).collect() }
    }
}

struct Piece<'a> {
    text: &'a str,
    is_name: bool,
}

/// Splits a text into names and what is between them, without the prefix.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for (at, _) in text.match_indices(PREFIX) {
        if !text[..at].chars().next_back().is_none_or(char::is_whitespace) {
            continue;
        }
        let name = name(&text[at + PREFIX.len()..]);
        if !name.is_empty() {
            pieces.push(Piece { text: &text[start..at], is_name: false });
            pieces.push(Piece { text: name, is_name: true });
            start = at + PREFIX.len() + name.len();
        }
    }
    pieces.push(Piece { text: &text[start..], is_name: false });
    pieces.retain(|piece| !piece.text.is_empty());
    pieces
}

/// The name at the start of a text.
fn name(text: &str) -> &str {
    let end = text.find(|c: char| c.is_whitespace() || c == '<' || c == '[').unwrap_or(text.len());
    text[..end].trim_end_matches(',')
}
