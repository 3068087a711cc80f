use std::io;
use std::path::PathBuf;

/// Why a tokenizer folder cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenizerError {
    /// The folder has no vocabulary.
    #[error(
        "{folder}: expected tokenizer.json, or vocab.json and merges.txt; found no {file}: \
         copy the model's whole tokenizer folder"
    )]
    Missing {
        /// The tokenizer folder
        folder: PathBuf,
        /// What is missing, when `tokenizer.json` is too
        file: &'static str,
    },
    /// A file cannot be read.
    #[error("{file}: expected UTF-8 text; found {reason}: make it readable, or copy it again")]
    Read {
        /// The file
        file: PathBuf,
        /// What the system says
        reason: io::Error,
    },
    /// A file is not JSON.
    #[error("{file}: expected JSON; found {reason}: copy it from the model again")]
    Json {
        /// The file
        file: PathBuf,
        /// What is wrong, and where
        reason: serde_json::Error,
    },
    /// A JSON file, or the folder, does not hold what it should.
    #[error("{file}: expected {expected}; found {found}: copy it from the model again")]
    Content {
        /// The file or folder
        file: PathBuf,
        /// What should be there
        expected: &'static str,
        /// What is there
        found: String,
    },
    /// A merge is malformed, or its tokens are not in the vocabulary.
    #[error(
        "{file}: expected merge {number} to make a token of the vocabulary from two others; \
         found {found:?}: copy it from the model again, with the vocabulary"
    )]
    Merge {
        /// `merges.txt` or `tokenizer.json`
        file: PathBuf,
        /// The line, or the place in the list, counted from one
        number: usize,
        /// What is there
        found: String,
    },
    /// A special token is not in the vocabulary.
    #[error(
        "{file}: expected the {key} {token:?} in the vocabulary; found none: correct {key} in \
         tokenizer_config.json and special_tokens_map.json, or copy the whole tokenizer folder"
    )]
    Token {
        /// The file with the vocabulary
        file: PathBuf,
        /// The setting
        key: &'static str,
        /// What it asks for
        token: String,
    },
    /// A word to be added is a token already.
    #[error("{word:?} is a word of the tokenizer already, or none at all: give it another name, such as <{word}>")]
    Known {
        /// The word
        word: String,
    },
}
