use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::line::Line;
use super::live::Live;
use super::pace::Pace;
use super::running::Running;
use super::view::Phase;
use super::work::Work;
use crate::artist::Artist;
use crate::id::JobId;
use crate::metrics::Metrics;
use crate::options::ServeOptions;
use crate::store::Store;

/// What the queue's clients and the device's thread share.
pub struct Shared {
    state: Mutex<State>,
    wake: Condvar,
    /// Checks jobs while the other artist draws.
    pub planner: Mutex<Box<dyn Artist>>,
    pub store: Store,
    pub options: Arc<ServeOptions>,
    pub metrics: Arc<Metrics>,
}

/// Who waits, who is drawn, and how long it takes.
pub struct State {
    pub line: Line<Entry>,
    /// The jobs that are not finished: those in the line, and that at the device.
    pub jobs: HashMap<JobId, Live>,
    /// Places in the line for jobs that are being accepted.
    pub reserved: usize,
    pub running: Option<Running>,
    pub pace: Pace,
    /// Until when somebody wants previews of whatever is drawn.
    pub previews_until: Option<Instant>,
    /// When the device has to stop, once the server stops.
    pub deadline: Option<Instant>,
    /// Why nothing can be drawn.
    pub broken: Option<String>,
}

/// What waits for the device.
pub enum Entry {
    /// A job of images.
    Job(JobId),
    /// Other work.
    Work(Work),
}

impl Shared {
    pub fn new(planner: Box<dyn Artist>, store: Store, options: Arc<ServeOptions>, metrics: Arc<Metrics>) -> Self {
        let state = State {
            line: Line::new(),
            jobs: HashMap::new(),
            reserved: 0,
            running: None,
            pace: Pace::default(),
            previews_until: None,
            deadline: None,
            broken: None,
        };
        Self { state: Mutex::new(state), wake: Condvar::new(), planner: Mutex::new(planner), store, options, metrics }
    }

    /// The state. Nothing that holds it waits for a disk or a device.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts an entry into the line, and wakes the device.
    pub fn enter(&self, state: &mut State, client: &str, entry: Entry) {
        state.line.push(client, entry);
        state.show_positions();
        self.wake.notify_all();
    }

    /// Waits for the next entry; none once the server stops.
    pub fn next(&self) -> Option<Entry> {
        let mut state = self.lock();
        loop {
            if state.deadline.is_some() {
                return None;
            }
            if let Some(entry) = state.line.pop() {
                state.show_positions();
                return Some(entry);
            }
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Accepts nothing more, and has the device stop after `grace` at the latest.
    pub fn stop(&self, grace: Duration) {
        self.lock().deadline.get_or_insert(Instant::now() + grace);
        self.wake.notify_all();
    }
}

impl State {
    /// Entries that wait.
    pub fn waiting(&self) -> usize {
        self.line.len() + self.reserved
    }

    /// Whether the device has to stop now.
    pub fn is_over(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Seconds until a place in the line is free, at least 1.
    pub fn retry_after(&self) -> u64 {
        let running = self.running.as_ref().and_then(|running| self.jobs.get(&running.id));
        let images = running.map_or(1, |job| job.missing.len().max(1));
        self.pace.seconds(images as u64).map_or(5, |seconds| seconds.ceil().clamp(1.0, 3600.0) as u64)
    }

    /// Shows all that wait how many come before them.
    pub fn show_positions(&self) {
        let missing = |id: &JobId| self.jobs.get(id).map_or(0, |job| job.missing.len() as u64);
        let mut images = self.running.as_ref().map_or(0, |running| missing(&running.id));
        for (position, entry) in self.line.in_order().enumerate() {
            let Entry::Job(id) = entry else { continue };
            if let Some(job) = self.jobs.get(id) {
                let seconds = self.pace.seconds(images);
                job.view.send_if_modified(|view| {
                    let same = matches!(view.phase, Phase::Waiting { position: old, .. } if old == position);
                    view.phase = Phase::Waiting { position, seconds };
                    !same
                });
            }
            images += missing(id);
        }
    }
}
