use std::mem;
use std::sync::PoisonError;

use tokio::sync::watch;

use super::Queue;
use super::finished::{Basket, Finished};
use super::refused::JobFailed;
use super::view::{Phase, View};
use crate::id::JobId;

/// What a client holds of its job. Dropping that of a client that waits on its connection cancels the job.
pub(crate) struct Ticket {
    /// The job's name.
    pub id: JobId,
    /// What the user should know.
    pub warnings: Vec<String>,
    /// Whether the job is new, and not known by the client's key.
    pub new: bool,
    view: Option<watch::Receiver<View>>,
    basket: Option<Basket>,
    queue: Option<Queue>,
}

impl Ticket {
    pub(super) fn new(id: JobId, warnings: Vec<String>, view: watch::Receiver<View>, basket: Option<Basket>) -> Self {
        Self { id, warnings, new: true, view: Some(view), basket, queue: None }
    }

    /// The ticket of a job that is known already.
    pub(super) fn known(id: JobId, warnings: Vec<String>) -> Self {
        Self { id, warnings, new: false, view: None, basket: None, queue: None }
    }

    /// Cancels the job in `queue` when the ticket is dropped, if its client waits on its connection.
    pub(super) fn guarded(mut self, queue: &Queue) -> Self {
        let queue = self.basket.is_some().then(|| queue.clone());
        self.queue = queue;
        self
    }

    /// Waits for the end.
    pub(super) async fn finished(&self) -> Result<Vec<Finished>, JobFailed> {
        let not_kept = || JobFailed::Failed("the images of this job are in the store alone".into());
        let (view, basket) = self.view.clone().zip(self.basket.as_ref()).ok_or_else(not_kept)?;
        let mut view = view;
        // An error means that the sender is gone, and then the last view is the last.
        let phase = match view.wait_for(|view| view.phase.is_last()).await {
            Ok(view) => view.phase.clone(),
            Err(_) => return Err(JobFailed::Stopping),
        };
        let images = mem::take(&mut *basket.lock().unwrap_or_else(PoisonError::into_inner));
        match phase {
            Phase::Done => Ok(images),
            Phase::Cancelled => Err(JobFailed::Cancelled { finished: images }),
            Phase::Failed { message, usage: true } => Err(JobFailed::Usage(message)),
            Phase::Failed { message, usage: false } => Err(JobFailed::Failed(message)),
            _ => Err(JobFailed::Stopping),
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let Some(queue) = self.queue.take().filter(|queue| queue.phase(&self.id).is_some()) else { return };
        let id = self.id.clone();
        let cancel = move || {
            queue.cancel(&id);
        };
        // That goes to the disk, for which no other request should wait.
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(cancel)),
            Err(_) => cancel(),
        }
    }
}
