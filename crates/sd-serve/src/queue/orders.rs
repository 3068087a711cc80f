use std::sync::atomic::Ordering;

use super::Queue;
use super::shared::Entry;
use super::view::Phase;
use crate::id::JobId;
use crate::store::JobState;

impl Queue {
    /// Ends a job: at its next step if it is drawn. False if it is not there or finished.
    ///
    /// Puts this on disk if the job waits, so call it where that keeps nobody waiting.
    pub(crate) fn cancel(&self, id: &JobId) -> bool {
        let waited = {
            let mut state = self.0.lock();
            let Some(job) = state.jobs.get(id) else { return false };
            job.orders.cancel.store(true, Ordering::Relaxed);
            let waited = !state.line.take(|entry| matches!(entry, Entry::Job(other) if other == id)).is_empty();
            state.show_positions();
            waited
        };
        if waited {
            self.0.end(id, JobState::Cancelled, Phase::Cancelled);
        }
        true
    }

    /// Leaves out the images of a job that are drawn now. False if none are.
    pub(crate) fn skip(&self, id: &JobId) -> bool {
        let state = self.0.lock();
        let drawn = state.running.as_ref().is_some_and(|running| running.id == *id);
        match state.jobs.get(id).filter(|_| drawn) {
            Some(job) => job.orders.skip.store(true, Ordering::Relaxed),
            None => return false,
        }
        true
    }
}
