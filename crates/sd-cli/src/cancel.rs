use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::print::complain;

/// What the program exits with when it is stopped at once.
const STOPPED: i32 = 130;

/// Whether Ctrl-C was pressed, or the system asked to end with SIGTERM, as containers and job queues do; asked again, the
/// program ends at once.
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Listens from now on.
    pub fn on_ctrl_c() -> Self {
        let cancelled = Arc::new(AtomicBool::new(false));
        let flag = cancelled.clone();
        let handler = move || {
            if flag.swap(true, Ordering::Relaxed) {
                std::process::exit(STOPPED);
            }
            complain(&"stopping after this step; press Ctrl-C again to stop at once");
        };
        // Where the system does not let it be caught, it ends the program.
        let _ = ctrlc::set_handler(handler);
        on_sigterm(&cancelled);
        Self(cancelled)
    }

    /// What a watcher answers.
    pub fn flow(&self) -> ControlFlow<()> {
        if self.0.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// Listens to SIGTERM. (The crate for Ctrl-C would also listen to SIGHUP, which `nohup` has ignored.)
#[cfg(unix)]
fn on_sigterm(cancelled: &Arc<AtomicBool>) {
    use signal_hook::consts::SIGTERM;
    use signal_hook::flag;
    // The first to be registered is the first to act.
    let _ = flag::register_conditional_shutdown(SIGTERM, STOPPED, cancelled.clone());
    let _ = flag::register(SIGTERM, cancelled.clone());
}

#[cfg(not(unix))]
fn on_sigterm(_cancelled: &Arc<AtomicBool>) {}
