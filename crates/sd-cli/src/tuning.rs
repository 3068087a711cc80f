use std::sync::atomic::{AtomicBool, Ordering};

use log::{LevelFilter, Log, Metadata, Record};
use sd_pipeline::{Tuning, keep_kernels};

use crate::progress::{Kind, note};

const TEXT: &str = "kernels are tried out for this card and these sizes; the next run will start sooner";

/// Keeps a card's kernels for the next run, and says so when the first of them is chosen, which takes its time.
pub fn set_up(tuning: Tuning, progress: Kind) {
    keep_kernels(tuning);
    let notice = Notice { progress, is_told: AtomicBool::new(false) };
    if log::set_boxed_logger(Box::new(notice)).is_ok() {
        log::set_max_level(LevelFilter::Info);
    }
}

struct Notice {
    progress: Kind,
    is_told: AtomicBool,
}

impl Log for Notice {
    fn enabled(&self, metadata: &Metadata) -> bool {
        metadata.target() == "cubecl::autotune"
    }

    fn log(&self, record: &Record) {
        if self.enabled(record.metadata()) && !self.is_told.swap(true, Ordering::Relaxed) {
            note(self.progress, TEXT);
        }
    }

    fn flush(&self) {}
}
