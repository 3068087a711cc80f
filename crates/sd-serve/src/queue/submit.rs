use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};

use sd_engine::Job;

use super::limits::{check_job, check_outline};
use super::live::Live;
use super::shared::{Entry, Shared, State};
use super::view::Phase;
use super::{How, Queue, Refused, Ticket};
use crate::artist::{Failure, Outline};
use crate::client::Client;
use crate::id::JobId;
use crate::store::{Accepted, JobRecord, JobState, StoreError, now};

impl Queue {
    /// Accepts a job: checks it, puts it on disk and into the line.
    ///
    /// # Errors
    ///
    /// If the job cannot be drawn or is beyond the limits, if the queue is full, and if the server stops.
    pub(crate) async fn submit(&self, client: &Client, job: Job, how: How) -> Result<Ticket, Refused> {
        let (queue, client) = (self.clone(), client.clone());
        // A client that leaves meanwhile drops the ticket, not the work in between.
        let accept = move || queue.0.accept(client, job, &how).map(|ticket| ticket.guarded(&queue));
        tokio::task::spawn_blocking(accept).await.unwrap_or_else(|_| Err(internal()))
    }

    /// Checks a job, and says what it comes to. Does not wait for the device.
    ///
    /// # Errors
    ///
    /// If the job cannot be drawn or is beyond the limits.
    pub(crate) async fn plan(&self, job: Job) -> Result<Outline, Refused> {
        let shared = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || shared.plan(&job)).await.unwrap_or_else(|_| Err(internal()))
    }
}

impl Shared {
    fn plan(&self, job: &Job) -> Result<Outline, Refused> {
        check_job(job, &self.options.limits)?;
        let mut planner = self.planner.lock().unwrap_or_else(PoisonError::into_inner);
        let planned = catch_unwind(AssertUnwindSafe(|| planner.plan(job)));
        let outline = match planned {
            Ok(Ok(outline)) => outline,
            Ok(Err(Failure::Usage(message))) => return Err(Refused::Wrong(message)),
            Ok(Err(failure)) => return Err(Refused::Internal(failure.to_string())),
            Err(panic) => {
                tracing::error!(message = super::panic_message(&*panic), "a panic while a job was checked");
                return Err(internal());
            }
        };
        check_outline(&outline, &self.options.limits)?;
        Ok(outline)
    }

    fn accept(&self, client: Client, job: Job, how: &How) -> Result<Ticket, Refused> {
        self.check_room()?;
        let outline = self.plan(&job)?;
        self.reserve()?;
        let record = JobRecord {
            id: JobId::new(),
            client,
            attached: how.is_attached(),
            count: job.count,
            hash: job.hash(),
            key: match how {
                How::Kept { key } => key.clone(),
                _ => None,
            },
            warnings: outline.warnings,
            state: JobState::Waiting,
            skipped: Vec::new(),
            created: now(),
            finished: None,
        };
        let accepted = self.store.accept(&record, &job);
        let mut state = self.lock();
        state.reserved -= 1;
        match accepted.map_err(refused)? {
            Accepted::Known(known) => return Ok(Ticket::known(known.id, known.warnings)),
            Accepted::Other => {
                let message = "Idempotency-Key: it names another job, which draws something else: use a new key";
                return Err(Refused::Conflict(message.into()));
            }
            Accepted::New => {}
        }
        let live = Live::new(&record, job, how);
        let ticket = live.ticket(record.warnings);
        self.metrics.accepted(record.client.interface);
        tracing::info!(job = %record.id, client = record.client.name, images = record.count, "accepted");
        if state.deadline.is_some() {
            // On disk, and so the next server's.
            live.show(Phase::Left);
            return Ok(ticket);
        }
        state.jobs.insert(record.id.clone(), live);
        self.enter(&mut state, &record.client.name, Entry::Job(record.id));
        Ok(ticket)
    }

    /// Refuses early what would be refused in the end.
    fn check_room(&self) -> Result<(), Refused> {
        self.room_in(&self.lock())
    }

    /// Takes a place in the line.
    fn reserve(&self) -> Result<(), Refused> {
        let mut state = self.lock();
        self.room_in(&state)?;
        state.reserved += 1;
        Ok(())
    }

    /// Whether there is a place in the line.
    pub fn room_in(&self, state: &State) -> Result<(), Refused> {
        if state.deadline.is_some() {
            return Err(Refused::Stopping);
        }
        if state.waiting() >= self.options.queue {
            self.metrics.refused();
            return Err(Refused::Full { retry_after: state.retry_after() });
        }
        Ok(())
    }
}

fn internal() -> Refused {
    Refused::Internal("internal error, please report it".into())
}

fn refused(error: StoreError) -> Refused {
    tracing::error!(%error, "a job could not be put on disk");
    Refused::Internal(error.to_string())
}
