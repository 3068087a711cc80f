use std::io;
use std::path::{Path, PathBuf};

/// What goes wrong with the store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process has the store.
    #[error("{0}: another server uses this folder: stop it, or name another with --store")]
    InUse(PathBuf),
    /// The database cannot be opened.
    #[error("{path}: {source}")]
    Open {
        /// The database's file.
        path: PathBuf,
        /// Why not.
        source: redb::Error,
    },
    /// The database cannot be read or written.
    #[error("the database of jobs: {0}")]
    Database(#[source] redb::Error),
    /// A file or a folder cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A record cannot be read: another version of the program wrote it.
    #[error("a record of the database of jobs: {0}")]
    Record(String),
}

impl StoreError {
    pub(super) fn open(path: &Path, error: redb::DatabaseError) -> Self {
        match error {
            redb::DatabaseError::DatabaseAlreadyOpen => Self::InUse(path.parent().unwrap_or(path).into()),
            error => Self::Open { path: path.into(), source: error.into() },
        }
    }

    pub(super) fn file(path: &Path, source: io::Error) -> Self {
        Self::File { path: path.into(), source }
    }
}

macro_rules! from_redb {
    ($($error:ident)*) => {
        $(impl From<redb::$error> for StoreError {
            fn from(error: redb::$error) -> Self {
                Self::Database(error.into())
            }
        })*
    };
}

from_redb!(TransactionError TableError StorageError CommitError);
