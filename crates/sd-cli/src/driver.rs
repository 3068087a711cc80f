//! What the driver of a card, and the compiler of its kernels, say in the log.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

use log::{Level, LevelFilter, Log, Metadata, Record};
use sd_pipeline::{Tuning, keep_kernels, one_line};

use crate::progress::{Kind, note};

const TUNING: &str = "kernels are tried out for this card and these sizes; the next run will start sooner";

// How a panic of the thread that speaks to a driver is told.
const THROWN: &str = "CallError(task panicked on device runner thread: ";

static COMPLAINT: OnceLock<String> = OnceLock::new();

/// Keeps a card's kernels for the next run, says so when the first of them is chosen, which takes its time, and listens for
/// complaints.
pub fn set_up(tuning: Tuning, progress: Kind) {
    keep_kernels(tuning);
    let listener = Listener { progress, is_told: AtomicBool::new(false) };
    if log::set_boxed_logger(Box::new(listener)).is_ok() {
        log::set_max_level(LevelFilter::Info);
    }
}

/// What the driver complained of first, once something failed. The error that came of it may not say it.
pub fn complaint() -> Option<&'static str> {
    // A thread that gave up on a driver is found dead by others a moment before it says why.
    let told = || {
        sleep(Duration::from_millis(10));
        COMPLAINT.get()
    };
    (0..100).find_map(|_| told()).map(String::as_str)
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
            COMPLAINT.get_or_init(|| {
                let words = record.args().to_string();
                let thrown = words.strip_prefix(THROWN).map(|words| words.trim_end_matches(')').to_string());
                one_line(&thrown.unwrap_or(words))
            });
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
