use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::artist::Artist;

/// What is done with the artist.
pub type Run = Box<dyn FnOnce(&mut dyn Artist) + Send>;

/// Work of the device that draws no job.
pub struct Work {
    /// The work; it sends its result to whoever waits for it.
    pub run: Run,
    /// Whether it is still wanted.
    pub stop: Stop,
}

/// Says whether work is still wanted.
#[derive(Clone)]
pub(crate) struct Stop {
    gone: Arc<AtomicBool>,
    /// Whether the server has to stop.
    is_over: Arc<dyn Fn() -> bool + Send + Sync>,
}

impl Stop {
    pub(super) fn new(is_over: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self { gone: Arc::default(), is_over: Arc::new(is_over) }
    }

    /// Whether nobody waits for the result any more, or the server has to stop.
    pub(crate) fn asked(&self) -> bool {
        self.gone.load(Ordering::Relaxed) || (self.is_over)()
    }

    /// The same for callbacks that may end the work.
    pub(crate) fn flow(&self) -> ControlFlow<()> {
        if self.asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    pub(super) fn ask(&self) {
        self.gone.store(true, Ordering::Relaxed);
    }
}

/// Asks for the stop when its owner, a request, is dropped.
pub struct StopOnDrop(pub Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.ask();
    }
}
