use std::path::PathBuf;

/// Why there is no model of the hub.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// What should name a model does not.
    #[error("`{0}` is no model of the hub: expected owner/name, maybe with /file and @revision")]
    Name(String),
    /// A time in the environment is none.
    #[error("{name}={value}: expected seconds, such as 10")]
    Setting {
        /// The variable.
        name: &'static str,
        /// What it says.
        value: String,
    },
    /// The hub does not have it, or not for this user.
    #[error(
        "{wanted}: not on the hub, or private, or gated: if its page {page} asks to accept a licence, do so, and set HF_TOKEN \
         to a token of https://huggingface.co/settings/tokens"
    )]
    Denied {
        /// What was asked for.
        wanted: String,
        /// Where a person sees it.
        page: String,
    },
    /// The hub has no such repository, revision or file.
    #[error("{wanted}: there is no such repository, revision or file on the hub: look at {page}")]
    Missing {
        /// What was asked for.
        wanted: String,
        /// Where a person sees it.
        page: String,
    },
    /// The hub cannot be reached, and the cache does not have the model.
    #[error("{wanted}: the hub cannot be reached ({reason}), and the model is not in the cache {cache}")]
    Offline {
        /// What was asked for.
        wanted: String,
        /// What the connection said.
        reason: String,
        /// Where it was looked for.
        cache: String,
    },
    /// The repository has no model that could be read.
    #[error("{wanted}: {reason}")]
    Files {
        /// What was asked for.
        wanted: String,
        /// What is missing, or what there is too much of.
        reason: String,
    },
    /// What was downloaded is not what the hub has. It was removed.
    #[error("{file}: its checksum is {found}, not the hub's {expected}; it was removed: run the same command again")]
    Checksum {
        /// The file's name in the repository.
        file: String,
        /// The hub's.
        expected: String,
        /// That of what arrived.
        found: String,
    },
    /// A download was cut off; what arrived is kept, and the next one goes on there.
    #[error("{file}: {reason}; run the same command again to go on where it stopped")]
    Broken {
        /// The file's name in the repository.
        file: String,
        /// What the connection said.
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
    /// The hub answered what it should not.
    #[error("{wanted}: the hub's answer is not as expected: {reason}")]
    Answer {
        /// What was asked for.
        wanted: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Who watched said to stop; what arrived is kept.
    #[error("cancelled")]
    Cancelled,
}
