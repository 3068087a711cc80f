//! What the driver of a GPU, and the compiler of its kernels, say in the log.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use log::{Level, LevelFilter, Log, Metadata, Record};
use sd_device::{Tuning, keep_kernels, one_line};

use crate::progress::{Kind, note};

const TUNING: &str = "kernels are tried out for this GPU and these sizes; the next run will start sooner";

// How a panic of the thread that speaks to a driver is told.
const THROWN: &str = "CallError(task panicked on device runner thread: ";

/// The first complaint between the last two network calls, and the first since.
static COMPLAINTS: Mutex<[Option<String>; 2]> = Mutex::new([None, None]);

/// Keeps a GPU's kernels for the next run, says so when the first of them is chosen, which takes its time, and listens for
/// complaints.
pub fn set_up(tuning: Tuning, progress: Kind) {
    keep_kernels(tuning);
    let listener = Listener { progress, is_told: AtomicBool::new(false) };
    if log::set_boxed_logger(Box::new(listener)).is_ok() {
        log::set_max_level(LevelFilter::Info);
    }
}

/// To be said at each network call, when the one before is known to have ended well: complaints from before that one, such as of
/// a kernel that was only tried, are not what a later failure comes of.
pub fn called() {
    let [before, since] = &mut *complaints();
    *before = since.take();
}

/// What the driver complained of first, once something failed. The error that came of it may not say it.
pub fn complaint() -> Option<String> {
    // A thread that gave up on a driver is found dead by others a moment before it says why.
    let told = || {
        sleep(Duration::from_millis(10));
        complaints().iter().flatten().next().cloned()
    };
    (0..100).find_map(|_| told())
}

fn complaints() -> MutexGuard<'static, [Option<String>; 2]> {
    COMPLAINTS.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Listener {
    progress: Kind,
    is_told: AtomicBool,
}

impl Log for Listener {
    fn enabled(&self, metadata: &Metadata) -> bool {
        metadata.target() == "cubecl::autotune" || is_complaint(metadata)
    }

    fn log(&self, record: &Record) {
        if is_complaint(record.metadata()) {
            let words = record.args().to_string();
            let thrown = words.strip_prefix(THROWN).map(|words| words.trim_end_matches(')').to_string());
            complaints()[1].get_or_insert_with(|| one_line(&thrown.unwrap_or(words)));
        } else if self.enabled(record.metadata()) && !self.is_told.swap(true, Ordering::Relaxed) {
            note(self.progress, TUNING);
        }
    }

    fn flush(&self) {}
}

/// Whether a driver refused something, or gave up on the thread that speaks to it.
fn is_complaint(metadata: &Metadata) -> bool {
    let (level, target) = (metadata.level(), metadata.target());
    target.starts_with("cubecl_") && level == Level::Error || target.starts_with("cubecl_common::device")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_complaint_since_a_call_that_went_well_is_told() {
        let listener = Listener { progress: Kind::None, is_told: AtomicBool::new(false) };
        let complain = |words: &str| {
            let mut record = Record::builder();
            listener.log(&record.level(Level::Error).target("cubecl_wgpu").args(format_args!("{words}")).build());
        };
        // Of a kernel that was only tried, while the first call was handed to the GPU.
        complain("too many registers");
        called();
        assert_eq!(complaint().as_deref(), Some("too many registers"));
        // The first went well; in the second the GPU is lost.
        complain("lost");
        complain("lost already");
        called();
        assert_eq!(complaint().as_deref(), Some("lost"));
    }
}
