//! Jobs that were given up, and jobs that were given back.

use std::collections::HashSet;

use futures_util::TryStreamExt;

use super::message::Obituary;
use super::queue::Queue;
use crate::BatchError;

impl Queue {
    /// Keeps a job among the dead, with the reason.
    pub async fn bury(&self, object: &str, obituary: &Obituary) -> Result<(), BatchError> {
        let payload = serde_json::to_vec(obituary).expect("an obituary is JSON");
        self.note(format!("{}.dead.{object}", self.name), payload).await
    }

    /// Remembers that a worker gave a job back without trying it to the end.
    pub async fn remember_return(&self, object: &str) -> Result<(), BatchError> {
        self.note(format!("{}.returned.{object}", self.name), Vec::new()).await
    }

    async fn note(&self, subject: String, payload: Vec<u8>) -> Result<(), BatchError> {
        let cannot = |error| self.connection.error("a note cannot be kept", error);
        let published = self.connection.context.publish(subject, payload.into()).await;
        published.map_err(cannot)?.await.map(drop).map_err(cannot)
    }

    /// How often a job was given back.
    pub async fn returns(&self, object: &str) -> Result<u64, BatchError> {
        let counts = self.noted(&format!("{}.returned.{object}", self.name)).await?;
        Ok(counts.iter().map(|(_, count)| *count as u64).sum())
    }

    /// Forgets how often a job was given back.
    pub async fn forget_returns(&self, object: &str) {
        let _ = self.notes.purge().filter(format!("{}.returned.{object}", self.name)).await;
    }

    /// The names of the images of all dead jobs.
    pub async fn dead(&self) -> Result<HashSet<String>, BatchError> {
        let prefix = format!("{}.dead.", self.name);
        let counts = self.noted(&format!("{prefix}>")).await?;
        Ok(counts.into_iter().filter_map(|(subject, _)| Some(subject.strip_prefix(&prefix)?.to_string())).collect())
    }

    /// Why a job died.
    pub async fn obituary(&self, object: &str) -> Option<Obituary> {
        let subject = format!("{}.dead.{object}", self.name);
        let message = self.notes.direct_get_last_for_subject(subject).await.ok()?;
        serde_json::from_slice(&message.payload).ok()
    }

    /// Forgets a dead job, so that it can be tried again.
    pub async fn revive(&self, object: &str) -> Result<(), BatchError> {
        let purged = self.notes.purge().filter(format!("{}.dead.{object}", self.name)).await;
        purged.map(drop).map_err(|error| self.connection.error("a dead job cannot be removed", error))
    }

    /// Subjects of notes, and how many there are of each.
    async fn noted(&self, filter: &str) -> Result<Vec<(String, usize)>, BatchError> {
        let cannot = |error| self.connection.error("notes cannot be read", error);
        self.notes.info_with_subjects(filter).await.map_err(cannot)?.try_collect().await.map_err(cannot)
    }
}
