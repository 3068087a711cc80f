use redb::{Database, TableDefinition};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreError;

/// What jobs draw: JSON of `Job` by the job's name. Written once, as it may hold images.
pub const JOBS: TableDefinition<&str, &[u8]> = TableDefinition::new("jobs");
/// The rest of jobs: JSON of `JobRecord` by the job's name.
pub const RECORDS: TableDefinition<&str, &[u8]> = TableDefinition::new("records");
/// Jobs that are not finished.
pub const UNFINISHED: TableDefinition<&str, ()> = TableDefinition::new("unfinished");
/// Jobs that are finished, by when they were: their bytes of images.
pub const FINISHED: TableDefinition<(i64, &str), u64> = TableDefinition::new("finished");
/// Finished images: JSON of `ImageRecord` by the job's name and the image's number.
pub const IMAGES: TableDefinition<(&str, u64), &[u8]> = TableDefinition::new("images");
/// The same images by age.
pub const GALLERY: TableDefinition<u64, (&str, u64)> = TableDefinition::new("gallery");
/// Jobs by what their clients call them: the client's name and the client's key.
pub const KEYS: TableDefinition<(&str, &str), &str> = TableDefinition::new("keys");

/// Makes the tables, so that reading always finds them.
pub fn create_tables(database: &Database) -> Result<(), StoreError> {
    let transaction = database.begin_write()?;
    transaction.open_table(JOBS)?;
    transaction.open_table(RECORDS)?;
    transaction.open_table(UNFINISHED)?;
    transaction.open_table(FINISHED)?;
    transaction.open_table(IMAGES)?;
    transaction.open_table(GALLERY)?;
    transaction.open_table(KEYS)?;
    Ok(transaction.commit()?)
}

/// A value as it is kept.
pub fn to_json(value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(value).map_err(|error| StoreError::Record(error.to_string()))
}

/// A value that was kept.
pub fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(bytes).map_err(|error| StoreError::Record(error.to_string()))
}
