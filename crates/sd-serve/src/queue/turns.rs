use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::finished::Finished;
use super::shared::{Entry, Shared, State};
use super::view::Phase;
use super::work::Work;
use super::{Event, Refused};
use crate::id::{ImageId, JobId};
use crate::store::JobState;

/// What the device's thread tells its clients.
impl Shared {
    /// An image is on disk.
    pub fn finish_image(&self, image: Finished, seed: u64) {
        let id = image.id.clone();
        if let Some(basket) = self.lock().jobs.get(&id.job).and_then(|job| job.basket.clone()) {
            basket.lock().unwrap_or_else(PoisonError::into_inner).push(image);
        }
        self.metrics.image();
        self.add(&id, Event::Image { index: id.index, id: id.clone(), seed });
    }

    /// An image is finished or left out.
    pub fn add(&self, id: &ImageId, outcome: Event) {
        if let Some(job) = self.lock().jobs.get_mut(&id.job) {
            job.orders.skip.store(false, Ordering::Relaxed);
            job.add(id.index, outcome);
        }
    }

    /// Whether a job's client has had its turn, and others wait. Then the job waits, too.
    pub fn is_turn_over(&self, id: &JobId, began: Instant) -> bool {
        let mut state = self.lock();
        let State { line, jobs, running, .. } = &mut *state;
        let Some(job) = jobs.get(id).filter(|job| !job.missing.is_empty()) else { return false };
        if began.elapsed() < self.options.turn || !line.others_wait(&job.client.name) {
            return false;
        }
        line.put_back(&job.client.name, Entry::Job(id.clone()));
        *running = None;
        state.show_positions();
        true
    }

    /// Ends a job: on disk, then for all who look.
    pub fn end(&self, id: &JobId, record: JobState, phase: Phase) {
        if let Err(error) = self.store.end(id, record) {
            tracing::error!(job = %id, %error, "the end of a job could not be put on disk");
        }
        let mut state = self.lock();
        if state.running.as_ref().is_some_and(|running| running.id == *id) {
            state.running = None;
        }
        if let Some(job) = state.jobs.remove(id) {
            tracing::info!(job = %id, outcome = phase.name(), seconds = job.spent.as_secs_f64(), "ended");
            self.metrics.ended(job.client.interface, phase.name(), job.spent);
            job.show(phase);
        }
        state.show_positions();
        drop(state);
        if let Err(error) = self.store.forget_oldest() {
            tracing::error!(%error, "old jobs could not be removed");
        }
    }

    /// Tells all clients that the server stops. Their jobs are on disk.
    pub fn leave(&self) {
        let mut state = self.lock();
        state.running = None;
        state.jobs.drain().for_each(|(_, job)| job.show(Phase::Left));
        // Dropping work tells its client.
        drop(state.line.take(|_| true));
    }

    /// Puts other work into the line.
    pub fn enter_work(&self, client: &str, work: Work) -> Result<(), Refused> {
        let mut state = self.lock();
        self.room_in(&state)?;
        self.enter(&mut state, client, Entry::Work(work));
        Ok(())
    }
}
