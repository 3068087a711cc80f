//! Messages of GPU drivers and of the kernel compiler, read from the log.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use log::{Level, LevelFilter, Log, Metadata, Record};
use sd_device::{Tuning, keep_kernels, one_line};

use crate::reporter::{ProgressKind, note};

const TUNING: &str = "tuning kernels for this GPU and these sizes; the next run will start sooner";

/// How the log reports a panic of the thread that calls the driver.
const THROWN: &str = "CallError(task panicked on device runner thread: ";

/// The first error between the last two network calls, and the first one since.
static ERRORS: Mutex<[Option<String>; 2]> = Mutex::new([None, None]);

/// Keeps tuned kernels for the next run, and listens to the log: for driver errors, and for the start of tuning, which is
/// reported because it takes a while.
pub fn set_up(tuning: Tuning, progress: ProgressKind) {
    keep_kernels(tuning);
    let listener = Listener { progress, is_reported: AtomicBool::new(false) };
    if log::set_boxed_logger(Box::new(listener)).is_ok() {
        log::set_max_level(LevelFilter::Info);
    }
}

/// Forgets errors logged before the last successful network call, such as those of kernels that were only tried. Call at
/// every network call.
pub fn called() {
    let [before, since] = &mut *errors();
    *before = since.take();
}

/// The driver's first error, after something failed. It often names the cause where the failure itself does not.
pub fn error() -> Option<String> {
    // Other threads notice that the driver's thread is dead a moment before it logs the reason.
    let first = || {
        sleep(Duration::from_millis(10));
        errors().iter().flatten().next().cloned()
    };
    (0..100).find_map(|_| first())
}

fn errors() -> MutexGuard<'static, [Option<String>; 2]> {
    ERRORS.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Listener {
    progress: ProgressKind,
    is_reported: AtomicBool,
}

impl Log for Listener {
    fn enabled(&self, metadata: &Metadata) -> bool {
        metadata.target() == "cubecl::autotune" || is_error(metadata)
    }

    fn log(&self, record: &Record) {
        if is_error(record.metadata()) {
            let message = record.args().to_string();
            let thrown = message.strip_prefix(THROWN).map(|message| message.trim_end_matches(')').to_string());
            errors()[1].get_or_insert_with(|| one_line(&thrown.unwrap_or(message)));
        } else if self.enabled(record.metadata()) && !self.is_reported.swap(true, Ordering::Relaxed) {
            note(self.progress, TUNING);
        }
    }

    fn flush(&self) {}
}

/// Whether a driver refused something, or the thread that calls it panicked.
fn is_error(metadata: &Metadata) -> bool {
    let (level, target) = (metadata.level(), metadata.target());
    target.starts_with("cubecl_") && level == Level::Error || target.starts_with("cubecl_common::device")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_error_since_a_successful_call_is_reported() {
        let listener = Listener { progress: ProgressKind::None, is_reported: AtomicBool::new(false) };
        let log_error = |message: &str| {
            let mut record = Record::builder();
            listener.log(&record.level(Level::Error).target("cubecl_wgpu").args(format_args!("{message}")).build());
        };
        // From a kernel that was only tried, while the first call was submitted to the GPU.
        log_error("too many registers");
        called();
        assert_eq!(error().as_deref(), Some("too many registers"));
        // The first call succeeds; during the second one the GPU is lost.
        log_error("lost");
        log_error("lost already");
        called();
        assert_eq!(error().as_deref(), Some("lost"));
    }
}
