use redb::{ReadableDatabase, ReadableTable};
use sd_engine::Job;

use super::tables::{IMAGES, UNFINISHED};
use super::{ImageRecord, JobRecord, JobState, Store, StoreError};
use crate::id::JobId;

/// A job that an earlier process accepted and did not finish.
pub(crate) struct Unfinished {
    /// What is known of it.
    pub record: JobRecord,
    /// What it draws.
    pub job: Job,
    /// The images that it has.
    pub images: Vec<ImageRecord>,
}

impl Store {
    /// The jobs that are to be drawn still, the oldest first. Those whose clients waited on their connection are ended, as the
    /// connection is gone.
    ///
    /// # Errors
    ///
    /// Errors of the database.
    pub(crate) fn unfinished(&self) -> Result<Vec<Unfinished>, StoreError> {
        let mut found = Vec::new();
        for id in self.unfinished_names()? {
            let Some(record) = self.job(&id)? else { continue };
            if record.attached {
                self.end(&id, JobState::Cancelled)?;
                continue;
            }
            match self.drawn_by(&id) {
                Ok(Some(job)) => found.push(Unfinished { images: self.images_of(&id)?, record, job }),
                Ok(None) => {}
                // Written by another version of the program: the others are drawn all the same.
                Err(StoreError::Record(message)) => self.end(&id, JobState::Failed { message })?,
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// Removes files of images that were not finished when the process was killed, or whose job was being removed.
    pub(super) fn remove_strays(&self) -> Result<(), StoreError> {
        let images = self.0.database.begin_read()?.open_table(IMAGES)?;
        for id in self.0.files.all()? {
            if images.get((id.job.as_str(), id.index))?.is_none() {
                self.0.files.remove(&id);
            }
        }
        Ok(())
    }

    fn unfinished_names(&self) -> Result<Vec<JobId>, StoreError> {
        let unfinished = self.0.database.begin_read()?.open_table(UNFINISHED)?;
        let mut names = Vec::new();
        for entry in unfinished.iter()? {
            names.push(entry?.0.value().parse().map_err(|error| StoreError::Record(format!("{error}")))?);
        }
        Ok(names)
    }
}
