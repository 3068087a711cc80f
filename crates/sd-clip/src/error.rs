use std::io;
use std::path::PathBuf;

/// Why a tokenizer folder cannot be read, or a word not be added.
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
        /// The missing file, if `tokenizer.json` is missing too
        file: &'static str,
    },
    /// A file cannot be read.
    #[error("{file}: expected UTF-8 text; found {reason}: make it readable, or copy it again")]
    Read {
        /// The file
        file: PathBuf,
        /// The system's error
        reason: io::Error,
    },
    /// A file is not JSON.
    #[error("{file}: expected JSON; found {reason}: copy it from the model again")]
    Json {
        /// The file
        file: PathBuf,
        /// The parser's error, with its position
        reason: serde_json::Error,
    },
    /// A JSON file, or the folder, has unexpected contents.
    #[error("{file}: expected {expected}; found {found}: copy it from the model again")]
    Content {
        /// The file or folder
        file: PathBuf,
        /// The expected contents
        expected: &'static str,
        /// The contents
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
        /// The line, or the position in the list, counted from one
        number: usize,
        /// The merge
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
        /// Its value
        token: String,
    },
    /// A word to be added is a token already, or empty.
    #[error("{word:?} is a word of the tokenizer already, or empty: give it another name, such as <{word}>")]
    Known {
        /// The word
        word: String,
    },
}
