use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sd_pipeline::Error;

/// Whether Ctrl-C was pressed; pressed again, it ends the program at once.
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Listens from now on.
    pub fn on_ctrl_c() -> Result<Self, Error> {
        let cancelled = Arc::new(AtomicBool::new(false));
        let flag = cancelled.clone();
        let handler = move || {
            if flag.swap(true, Ordering::Relaxed) {
                std::process::exit(130);
            }
            eprintln!("stopping after this step; press Ctrl-C again to stop at once");
        };
        ctrlc::set_handler(handler).map_err(|error| Error::Backend(format!("Ctrl-C cannot be caught: {error}")))?;
        Ok(Self(cancelled))
    }

    /// What a watcher answers.
    pub fn flow(&self) -> ControlFlow<()> {
        if self.0.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}
