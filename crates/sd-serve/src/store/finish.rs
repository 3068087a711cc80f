use redb::ReadableTable;

use super::record::now;
use super::tables::{FINISHED, GALLERY, IMAGES, JOBS, KEYS, RECORDS, UNFINISHED, from_json, to_json};
use super::{ImageRecord, JobRecord, JobState, Store, StoreError};
use crate::id::{ImageId, JobId};

impl Store {
    /// Keeps a finished image. `record` gets its number among all images. An image that is there already stays as it is.
    ///
    /// # Errors
    ///
    /// Errors of the system and the database; then the image is not finished.
    pub(crate) fn add_image(&self, record: &mut ImageRecord, png: &[u8]) -> Result<(), StoreError> {
        self.0.files.write(&record.id, png)?;
        let transaction = self.0.database.begin_write()?;
        {
            let key = (record.id.job.as_str(), record.id.index);
            let mut images = transaction.open_table(IMAGES)?;
            if images.get(key)?.is_some() {
                return Ok(());
            }
            let mut gallery = transaction.open_table(GALLERY)?;
            record.seq = gallery.last()?.map_or(1, |(seq, _)| seq.value() + 1);
            images.insert(key, to_json(record)?.as_slice())?;
            gallery.insert(record.seq, key)?;
        }
        Ok(transaction.commit()?)
    }

    /// Notes that an image is left out.
    ///
    /// # Errors
    ///
    /// Errors of the database.
    pub(crate) fn skip_image(&self, id: &ImageId) -> Result<(), StoreError> {
        self.change(&id.job, |record| record.skipped.push(id.index))
    }

    /// Ends a job that is not finished.
    ///
    /// # Errors
    ///
    /// Errors of the database.
    pub(crate) fn end(&self, id: &JobId, state: JobState) -> Result<(), StoreError> {
        let transaction = self.0.database.begin_write()?;
        {
            let mut records = transaction.open_table(RECORDS)?;
            let record = records.get(id.as_str())?.map(|bytes| from_json(bytes.value())).transpose()?;
            let unfinished = transaction.open_table(UNFINISHED)?.remove(id.as_str())?.is_some();
            if let Some(record) = record.filter(|_| unfinished) {
                let ended = now();
                let record = JobRecord { state, finished: Some(ended), ..record };
                records.insert(id.as_str(), to_json(&record)?.as_slice())?;
                let mut bytes = 0;
                for image in transaction.open_table(IMAGES)?.range((id.as_str(), 0)..=(id.as_str(), u64::MAX))? {
                    bytes += from_json::<ImageRecord>(image?.1.value())?.bytes;
                }
                transaction.open_table(FINISHED)?.insert((ended, id.as_str()), bytes)?;
            }
        }
        Ok(transaction.commit()?)
    }

    /// Removes a finished job and its images. False if it is not there, or not finished.
    ///
    /// # Errors
    ///
    /// Errors of the database.
    pub(crate) fn remove(&self, id: &JobId) -> Result<bool, StoreError> {
        let transaction = self.0.database.begin_write()?;
        let mut files = Vec::new();
        {
            let mut records = transaction.open_table(RECORDS)?;
            let Some(record) =
                records.get(id.as_str())?.map(|bytes| from_json::<JobRecord>(bytes.value())).transpose()?
            else {
                return Ok(false);
            };
            let Some(finished) = record.finished else { return Ok(false) };
            records.remove(id.as_str())?;
            transaction.open_table(JOBS)?.remove(id.as_str())?;
            transaction.open_table(FINISHED)?.remove((finished, id.as_str()))?;
            if let Some(key) = &record.key {
                transaction.open_table(KEYS)?.remove((record.client.name.as_str(), key.as_str()))?;
            }
            let mut gallery = transaction.open_table(GALLERY)?;
            let mut images = transaction.open_table(IMAGES)?;
            for entry in images.extract_from_if((id.as_str(), 0)..=(id.as_str(), u64::MAX), |_, _| true)? {
                let image: ImageRecord = from_json(entry?.1.value())?;
                gallery.remove(image.seq)?;
                files.push(image.id);
            }
        }
        transaction.commit()?;
        files.iter().for_each(|id| self.0.files.remove(id));
        Ok(true)
    }

    /// Removes the oldest finished jobs that are beyond the limits. The newest always stays, so that its client can fetch it.
    ///
    /// # Errors
    ///
    /// Errors of the database.
    pub(crate) fn forget_oldest(&self) -> Result<(), StoreError> {
        let retention = &self.0.retention;
        let oldest = retention.age.map_or(i64::MIN, |age| now().saturating_sub(age.as_millis() as i64));
        let (mut jobs, mut bytes) = (0, 0);
        for (finished, id, size) in self.finished_newest_first()? {
            jobs += 1;
            bytes += size;
            if jobs > 1 && (jobs > retention.jobs || bytes > retention.bytes || finished < oldest) {
                self.remove(&id)?;
            }
        }
        Ok(())
    }

    fn change(&self, id: &JobId, change: impl FnOnce(&mut JobRecord)) -> Result<(), StoreError> {
        let transaction = self.0.database.begin_write()?;
        {
            let mut records = transaction.open_table(RECORDS)?;
            let record = records.get(id.as_str())?.map(|bytes| from_json::<JobRecord>(bytes.value())).transpose()?;
            if let Some(mut record) = record {
                change(&mut record);
                records.insert(id.as_str(), to_json(&record)?.as_slice())?;
            }
        }
        Ok(transaction.commit()?)
    }
}
