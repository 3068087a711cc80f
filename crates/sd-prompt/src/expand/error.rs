use std::path::PathBuf;

/// Why a template cannot be expanded: one line that names the culprit and the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExpandError {
    /// There is a wildcard, but no folder to look for it in.
    #[error("`__{name}__`{}: a wildcard needs a folder of text files; give it with `wildcards`", asked_in(.within))]
    NoFolder {
        /// The wildcard's name.
        name: String,
        /// The wildcard whose entry asks for it; none if the prompt does.
        within: Option<String>,
    },
    /// No file has the name of a wildcard.
    #[error("`__{name}__`{}: no such wildcard in {}; {known}", asked_in(.within), .folder.display())]
    Unknown {
        /// The wildcard's name.
        name: String,
        /// The wildcard whose entry asks for it; none if the prompt does.
        within: Option<String>,
        /// The folder of wildcards.
        folder: PathBuf,
        /// The names that there are, or those closest to it.
        known: String,
    },
    /// A name leads out of the folder of wildcards.
    #[error("`__{name}__`: a wildcard is inside its folder; write its name without `..`")]
    Outside {
        /// The wildcard's name.
        name: String,
    },
    /// The files of a wildcard have no entries.
    #[error("`__{name}__` has no entries; write one per line")]
    Empty {
        /// The wildcard's name.
        name: String,
    },
    /// A wildcard contains itself.
    #[error("`__{}__`: the wildcard contains itself", .names.join("__` → `__"))]
    Recursive {
        /// The wildcards on the way; the last one is also an earlier one.
        names: Vec<String>,
    },
    /// A folder or file of wildcards cannot be read.
    #[error("{}: {source}", .file.display())]
    Io {
        /// The folder or file.
        file: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// A file of wildcards is not text.
    #[error("{}: the text is not UTF-8; save it as UTF-8", .file.display())]
    Text {
        /// The file.
        file: PathBuf,
    },
    /// A part is syntax of Dynamic Prompts that is not supported.
    #[error("`{text}`: this syntax of Dynamic Prompts is not supported; write the values out")]
    Unsupported {
        /// The part.
        text: String,
    },
    /// Braces and wildcards are nested too deeply.
    #[error(
        "the prompt is nested too deeply: at most {} levels of braces and wildcards are possible",
        super::MAX_DEPTH
    )]
    TooDeep,
    /// The text is too long.
    #[error("the prompt becomes too long: at most {} MiB are possible", super::MAX_SIZE >> 20)]
    TooLong,
}

impl ExpandError {
    /// Returns whether the prompt is at fault, and not a file.
    pub fn is_usage(&self) -> bool {
        !matches!(self, Self::Io { .. } | Self::Text { .. } | Self::Empty { .. })
    }
}

fn asked_in(wildcard: &Option<String>) -> String {
    wildcard.as_ref().map(|name| format!(" (in `__{name}__`)")).unwrap_or_default()
}
