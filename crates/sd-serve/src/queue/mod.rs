//! The line before the device. One thread owns the artist; it takes a turn at a time, and between a job's images, or groups of
//! images that are drawn together, it is another client's turn.

mod device;
mod event;
mod events;
mod finished;
mod how;
mod limits;
mod line;
mod live;
mod orders;
mod pace;
mod refused;
mod running;
mod shared;
mod submit;
mod ticket;
mod turns;
mod view;
mod watcher;
mod work;

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use self::live::Live;
use self::shared::{Entry, Shared};
use self::work::{StopOnDrop, Work};
use crate::artist::Artist;
use crate::client::Client;
use crate::id::JobId;
use crate::metrics::Metrics;
use crate::options::ServeOptions;
use crate::store::{Store, StoreError};

pub(crate) use self::device::Device;
pub(crate) use self::event::Event;
pub(crate) use self::finished::Finished;
pub(crate) use self::how::How;
pub(crate) use self::refused::{JobFailed, Refused};
pub(crate) use self::running::Running;
pub(crate) use self::ticket::Ticket;
pub(crate) use self::view::{Drawing, Phase};
pub(crate) use self::work::Stop;

/// How long a client that asked for a preview is taken to ask again.
const PREVIEWS: Duration = Duration::from_secs(5);

/// The line before the device. Clones are the same line.
#[derive(Clone)]
pub(crate) struct Queue(Arc<Shared>);

impl Queue {
    /// A line with the jobs that an earlier process left. `planner` checks jobs while another artist draws.
    ///
    /// # Errors
    ///
    /// Errors of the store.
    pub(crate) fn new(
        planner: Box<dyn Artist>,
        store: Store,
        options: Arc<ServeOptions>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, StoreError> {
        let unfinished = store.unfinished()?;
        let shared = Shared::new(planner, store, options, metrics);
        let mut state = shared.lock();
        for job in unfinished {
            let live = Live::resumed(job);
            tracing::info!(job = %live.id, missing = live.missing.len(), "resumed");
            let (id, client) = (live.id.clone(), live.client.name.clone());
            state.jobs.insert(id.clone(), live);
            shared.enter(&mut state, &client, Entry::Job(id));
        }
        drop(state);
        Ok(Self(Arc::new(shared)))
    }

    /// Waits for the end of a job whose client waits on its connection.
    ///
    /// # Errors
    ///
    /// If the job has not all its images.
    pub(crate) async fn result(&self, ticket: &Ticket) -> Result<Vec<Finished>, JobFailed> {
        ticket.finished().await
    }

    /// The drawing at the device.
    pub(crate) fn current(&self) -> Option<Running> {
        self.0.lock().running.clone()
    }

    /// The newest preview of the drawing at the device, a small PNG. Whoever asks is taken to ask again soon.
    pub(crate) fn preview(&self) -> Option<Arc<Vec<u8>>> {
        let mut state = self.0.lock();
        state.previews_until = Some(Instant::now() + PREVIEWS);
        state.running.as_ref()?.preview.clone()
    }

    /// Entries that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.0.lock().waiting()
    }

    /// What a job does now; none if it is finished or not there.
    pub(crate) fn phase(&self, id: &JobId) -> Option<Phase> {
        Some(self.0.lock().jobs.get(id)?.view.borrow().phase.clone())
    }

    /// Why nothing can be drawn; none if all is well.
    pub(crate) fn trouble(&self) -> Option<String> {
        let state = self.0.lock();
        if state.deadline.is_some() { Some("the server stops".into()) } else { state.broken.clone() }
    }

    /// Has the device do other work than a job, when it is the client's turn.
    ///
    /// # Errors
    ///
    /// If the queue is full, if the server stops, and if the work panics.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        client: &Client,
        work: impl FnOnce(&mut dyn Artist, &Stop) -> T + Send + 'static,
    ) -> Result<T, Refused> {
        let (done, result) = tokio::sync::oneshot::channel();
        let shared = Arc::downgrade(&self.0);
        let stop = Stop::new(move || shared.upgrade().is_none_or(|shared| shared.lock().is_over()));
        let _stop = StopOnDrop(stop.clone());
        let asked = stop.clone();
        let run = Box::new(move |artist: &mut dyn Artist| {
            // Nobody may be left to hear it.
            let _ = done.send(work(artist, &asked));
        });
        self.0.enter_work(&client.name, Work { run, stop })?;
        let failed = || match self.trouble() {
            Some(message) => Refused::Internal(message),
            None => Refused::Internal("internal error, please report it".into()),
        };
        result.await.map_err(|_| failed())
    }

    /// Accepts nothing more, and has the device stop after `grace` at the latest. What is not finished is left in the store.
    pub(crate) fn stop(&self, grace: Duration) {
        self.0.stop(grace);
    }
}

/// What a panic says.
fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
