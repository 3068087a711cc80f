//! Ctrl-C and SIGTERM.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::print::complain;

/// The exit code when the program is stopped at once.
const STOPPED: i32 = 130;

/// Whether Ctrl-C was pressed, or SIGTERM arrived, which containers and job queues send. The second signal ends the program at
/// once.
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Listens for signals from now on.
    pub fn on_ctrl_c() -> Self {
        let cancelled = Arc::new(AtomicBool::new(false));
        let flag = cancelled.clone();
        let handler = move || {
            if flag.swap(true, Ordering::Relaxed) {
                std::process::exit(STOPPED);
            }
            complain(&"stopping after this step; press Ctrl-C again to stop at once");
        };
        // If it cannot be caught, it ends the program.
        let _ = ctrlc::set_handler(handler);
        on_sigterm(&cancelled);
        Self(cancelled)
    }

    /// The answer for a watcher: break once a signal has arrived.
    pub fn flow(&self) -> ControlFlow<()> {
        if self.0.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// Listens for SIGTERM. (The crate for Ctrl-C would also catch SIGHUP, which must stay ignored under `nohup`.)
#[cfg(unix)]
fn on_sigterm(cancelled: &Arc<AtomicBool>) {
    use signal_hook::consts::SIGTERM;
    use signal_hook::flag;
    // Handlers run in the order of registration.
    let _ = flag::register_conditional_shutdown(SIGTERM, STOPPED, cancelled.clone());
    let _ = flag::register(SIGTERM, cancelled.clone());
}

#[cfg(not(unix))]
fn on_sigterm(_cancelled: &Arc<AtomicBool>) {}
