use redb::{ReadableDatabase, ReadableTable};
use sd_engine::Job;

use super::tables::{FINISHED, GALLERY, IMAGES, JOBS, RECORDS, from_json};
use super::{ImageRecord, JobRecord, Store, StoreError};
use crate::id::{ImageId, JobId};

impl Store {
    /// What is known of a job.
    ///
    /// # Errors
    ///
    /// Errors of the database.
    pub(crate) fn job(&self, id: &JobId) -> Result<Option<JobRecord>, StoreError> {
        let records = self.0.database.begin_read()?.open_table(RECORDS)?;
        records.get(id.as_str())?.map(|bytes| from_json(bytes.value())).transpose()
    }

    /// What a job draws.
    ///
    /// # Errors
    ///
    /// Errors of the database.
    pub(crate) fn drawn_by(&self, id: &JobId) -> Result<Option<Job>, StoreError> {
        let jobs = self.0.database.begin_read()?.open_table(JOBS)?;
        jobs.get(id.as_str())?.map(|bytes| from_json(bytes.value())).transpose()
    }

    /// Jobs that are older than `before`, the newest first.
    ///
    /// # Errors
    ///
    /// Errors of the database.
    pub(crate) fn jobs(&self, before: Option<&JobId>, limit: usize) -> Result<Vec<JobRecord>, StoreError> {
        let records = self.0.database.begin_read()?.open_table(RECORDS)?;
        let range = match before {
            Some(before) => records.range::<&str>(..before.as_str())?,
            None => records.range::<&str>(..)?,
        };
        range.rev().take(limit).map(|entry| from_json(entry?.1.value())).collect()
    }

    /// The finished images of a job.
    ///
    /// # Errors
    ///
    /// Errors of the database.
    pub(crate) fn images_of(&self, id: &JobId) -> Result<Vec<ImageRecord>, StoreError> {
        let images = self.0.database.begin_read()?.open_table(IMAGES)?;
        let range = images.range((id.as_str(), 0)..=(id.as_str(), u64::MAX))?;
        range.map(|entry| from_json(entry?.1.value())).collect()
    }

    /// The file of a finished image, with its metadata.
    ///
    /// # Errors
    ///
    /// Errors of the system and the database.
    pub(crate) fn png(&self, id: &ImageId) -> Result<Option<Vec<u8>>, StoreError> {
        let images = self.0.database.begin_read()?.open_table(IMAGES)?;
        if images.get((id.job.as_str(), id.index))?.is_none() {
            // A file without a record is not finished.
            return Ok(None);
        }
        self.0.files.read(id)
    }

    /// Images that are older than number `before`, the newest first.
    ///
    /// # Errors
    ///
    /// Errors of the database.
    pub(crate) fn images(&self, before: Option<u64>, limit: usize) -> Result<Vec<ImageRecord>, StoreError> {
        let transaction = self.0.database.begin_read()?;
        let (gallery, images) = (transaction.open_table(GALLERY)?, transaction.open_table(IMAGES)?);
        let mut found = Vec::new();
        for entry in gallery.range(..before.unwrap_or(u64::MAX))?.rev().take(limit) {
            let entry = entry?.1;
            let image = images.get(entry.value())?;
            found.extend(image.map(|bytes| from_json(bytes.value())).transpose()?);
        }
        Ok(found)
    }

    /// When finished jobs ended, their names, and the bytes of their images.
    pub(super) fn finished_newest_first(&self) -> Result<Vec<(i64, JobId, u64)>, StoreError> {
        let finished = self.0.database.begin_read()?.open_table(FINISHED)?;
        let mut found = Vec::new();
        for entry in finished.iter()?.rev() {
            let (key, bytes) = entry?;
            let (ended, id) = key.value();
            let id = id.parse().map_err(|error| StoreError::Record(format!("{error}")))?;
            found.push((ended, id, bytes.value()));
        }
        Ok(found)
    }
}
