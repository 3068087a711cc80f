use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::{Stream, stream};
use tokio::sync::watch;

use super::live::Orders;
use super::view::View;
use super::{Event, Queue};
use crate::blocking::blocking;
use crate::id::JobId;
use crate::store::{ImageRecord, JobState, Store, StoreError};

impl Queue {
    /// What happens to a job: first what is so far, then what follows, to its end or until the server stops. Whoever listens to a job
    /// that is drawn gets previews. A job that is not there has no events.
    pub(crate) fn events(&self, id: &JobId) -> impl Stream<Item = Event> + Send + use<> {
        let live = self.0.lock().jobs.get(id).map(|job| (job.view.subscribe(), Watching::new(&job.orders)));
        let source = match live {
            Some((view, watching)) => Source::Live { view, new: true, _watching: watching },
            None => Source::Stored(self.0.store.clone(), id.clone()),
        };
        let listener = Listener { source, events: VecDeque::new(), told: 0, preview: 0, last: None };
        stream::unfold(listener, |mut listener| async move { Some((listener.next().await?, listener)) })
    }
}

/// Who listens, and what it has heard.
struct Listener {
    source: Source,
    /// Events that are to be told.
    events: VecDeque<Event>,
    told: usize,
    preview: u64,
    last: Option<Event>,
}

enum Source {
    /// The job is not finished.
    Live { view: watch::Receiver<View>, new: bool, _watching: Watching },
    /// It is.
    Stored(Store, JobId),
    /// All is told.
    Ended,
}

impl Listener {
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            match &mut self.source {
                Source::Live { view, new, .. } => {
                    if !*new && view.changed().await.is_err() {
                        self.source = Source::Ended;
                        continue;
                    }
                    *new = false;
                    let view = view.borrow_and_update().clone();
                    self.hear(&view);
                }
                Source::Stored(store, id) => {
                    let (store, id) = (store.clone(), id.clone());
                    self.source = Source::Ended;
                    if let Ok(Ok(events)) = blocking(move || stored(&store, &id)).await {
                        self.events = events;
                    }
                }
                Source::Ended => return None,
            }
        }
    }

    /// Adds what is new in a view.
    fn hear(&mut self, view: &View) {
        self.events.extend(view.told[self.told..].iter().cloned());
        self.told = view.told.len();
        let phase = view.phase.event(self.preview);
        self.preview = view.phase.previews().max(self.preview);
        if phase.is_some() && phase != self.last {
            self.events.extend(phase.clone());
            self.last = phase;
        }
        if view.phase.is_last() {
            self.source = Source::Ended;
        }
    }
}

/// All that happened to a finished job.
fn stored(store: &Store, id: &JobId) -> Result<VecDeque<Event>, StoreError> {
    let Some(record) = store.job(id)? else { return Ok(VecDeque::new()) };
    let image = |image: ImageRecord| Event::Image { index: image.id.index, seed: image.seed, id: image.id };
    let mut events: VecDeque<_> = store.images_of(id)?.into_iter().map(image).collect();
    events.extend(record.skipped.iter().map(|&index| Event::Skipped { index }));
    events.extend(match record.state {
        JobState::Waiting => None,
        JobState::Done => Some(Event::Done),
        JobState::Failed { message } => Some(Event::Failed { message }),
        JobState::Cancelled => Some(Event::Cancelled),
    });
    Ok(events)
}

/// Counts as a listener until it is dropped.
struct Watching(Arc<Orders>);

impl Watching {
    fn new(orders: &Arc<Orders>) -> Self {
        orders.watchers.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(orders))
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.watchers.fetch_sub(1, Ordering::Relaxed);
    }
}
