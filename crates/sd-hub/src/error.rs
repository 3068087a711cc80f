use std::path::PathBuf;

/// Why a model of the hub is not available.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// A text is not the name of a model.
    #[error("`{0}` is not the name of a model on the hub: expected owner/name, optionally with /file and @revision")]
    Name(String),
    /// A time in the environment is not valid.
    #[error("{name}={value}: expected seconds, such as 10")]
    Setting {
        /// The variable.
        name: &'static str,
        /// Its value.
        value: String,
    },
    /// The hub does not have it, or not for this user.
    #[error(
        "{model}: not on the hub, or private, or gated: if its page {page} asks to accept a licence, do so, and set HF_TOKEN \
         to a token of https://huggingface.co/settings/tokens"
    )]
    Denied {
        /// The requested model.
        model: String,
        /// Its web page.
        page: String,
    },
    /// The hub has no such repository, revision or file.
    #[error("{model}: there is no such repository, revision or file on the hub: look at {page}")]
    Missing {
        /// The requested model.
        model: String,
        /// Its web page.
        page: String,
    },
    /// The hub cannot be reached, and the cache does not have the model.
    #[error("{model}: the hub cannot be reached ({reason}), and the model is not in the cache {cache}")]
    Offline {
        /// The requested model.
        model: String,
        /// The connection's error.
        reason: String,
        /// The folder of the cache.
        cache: String,
    },
    /// The repository has no model that can be read.
    #[error("{model}: {reason}")]
    Files {
        /// The requested model.
        model: String,
        /// What is missing, or which files are too many.
        reason: String,
    },
    /// A downloaded file differs from the hub's. It was removed.
    #[error("{file}: its checksum is {found}, not the hub's {expected}; it was removed: run the same command again")]
    Checksum {
        /// The file's name in the repository.
        file: String,
        /// The hub's checksum.
        expected: String,
        /// The checksum of the downloaded file.
        found: String,
    },
    /// A download was interrupted. The bytes that arrived are kept, and the next download resumes there.
    #[error("{file}: {reason}; run the same command again to resume")]
    Broken {
        /// The file's name in the repository.
        file: String,
        /// The connection's error.
        reason: String,
    },
    /// The cache cannot be read or written.
    #[error("{file}: {source}")]
    Io {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The hub's answer is not valid.
    #[error("{model}: unexpected answer of the hub: {reason}")]
    Answer {
        /// The requested model.
        model: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The watcher stopped the download. The bytes that arrived are kept.
    #[error("cancelled")]
    Cancelled,
}
