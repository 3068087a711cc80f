use redb::ReadableTable;
use sd_engine::Job;

use super::tables::{JOBS, KEYS, RECORDS, UNFINISHED, from_json, to_json};
use super::{JobRecord, Store, StoreError};

/// What became of a job that was to be accepted.
pub(crate) enum Accepted {
    /// It is on disk, and will be drawn whatever happens.
    New,
    /// The client's key names this job, which draws the same.
    Known(Box<JobRecord>),
    /// The client's key names another job.
    Other,
}

impl Store {
    /// Puts a job on disk, unless its client did so before under the same key.
    ///
    /// # Errors
    ///
    /// Errors of the database; then the job is not accepted.
    pub(crate) fn accept(&self, record: &JobRecord, job: &Job) -> Result<Accepted, StoreError> {
        let json = to_json(job)?;
        let transaction = self.0.database.begin_write()?;
        {
            let mut records = transaction.open_table(RECORDS)?;
            let id = record.id.as_str();
            if let Some(key) = &record.key {
                let mut keys = transaction.open_table(KEYS)?;
                let key = (record.client.name.as_str(), key.as_str());
                let known = keys.get(key)?.map(|id| id.value().to_string());
                if let Some(known) = known
                    && let Some(known) = records.get(known.as_str())?
                {
                    let known: JobRecord = from_json(known.value())?;
                    let same = known.hash == record.hash;
                    return Ok(if same { Accepted::Known(Box::new(known)) } else { Accepted::Other });
                }
                keys.insert(key, id)?;
            }
            transaction.open_table(JOBS)?.insert(id, json.as_slice())?;
            records.insert(id, to_json(record)?.as_slice())?;
            transaction.open_table(UNFINISHED)?.insert(id, ())?;
        }
        transaction.commit()?;
        Ok(Accepted::New)
    }
}
