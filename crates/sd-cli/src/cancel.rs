use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether Ctrl-C was pressed; pressed again, it ends the program at once.
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Listens from now on.
    pub fn on_ctrl_c() -> Self {
        let cancelled = Arc::new(AtomicBool::new(false));
        let flag = cancelled.clone();
        let handler = move || {
            if flag.swap(true, Ordering::Relaxed) {
                std::process::exit(130);
            }
            eprintln!("stopping after this step; press Ctrl-C again to stop at once");
        };
        // Where the system does not let it be caught, it ends the program.
        let _ = ctrlc::set_handler(handler);
        Self(cancelled)
    }

    /// What a watcher answers.
    pub fn flow(&self) -> ControlFlow<()> {
        if self.0.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}
