//! Jobs and their images on disk: a database of records, and a folder of files.
//!
//! A job is accepted, an image finished and a job ended in one transaction each, which is on disk before anybody is told. An image's
//! file is complete before its record is written, so a record always has its file; a file without a record is drawn again.

mod accept;
mod error;
mod files;
mod finish;
mod read;
mod record;
mod resume;
mod tables;

use std::path::Path;
use std::sync::Arc;

use redb::Database;

pub use self::error::StoreError;
use self::files::Files;
use self::tables::create_tables;
use crate::options::Retention;

pub(crate) use self::accept::Accepted;
pub(crate) use self::record::{ImageRecord, JobRecord, JobState, now};
pub(crate) use self::resume::Unfinished;

/// Jobs and their images. Clones are the same store.
#[derive(Clone)]
pub(crate) struct Store(Arc<Inner>);

struct Inner {
    database: Database,
    files: Files,
    retention: Retention,
}

impl Store {
    /// Opens the store in a folder, which is made if it is not there.
    ///
    /// # Errors
    ///
    /// Errors of the system and the database, and that another server has the folder.
    pub(crate) fn open(folder: &Path, retention: Retention) -> Result<Self, StoreError> {
        let files = Files::open(folder)?;
        let path = folder.join("jobs.redb");
        let database = Database::create(&path).map_err(|error| StoreError::open(&path, error))?;
        create_tables(&database)?;
        let store = Self(Arc::new(Inner { database, files, retention }));
        store.remove_strays()?;
        Ok(store)
    }
}

#[cfg(test)]
mod tests;
