//! The progress of a batch: images, images per second, and the time left over all of them.

use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};
use sd_batch::Step;
use serde_json::json;

use crate::reporter::{ProgressKind, Reporter};

pub struct BatchProgress {
    reporter: Reporter,
    images: usize,
    /// Images that need no drawing any more, in whatever way.
    over: usize,
    /// Images that this run drew, and the time that it took.
    drawn: usize,
    started: Instant,
    current: String,
    /// The share of the current image that is done.
    share: f64,
}

impl BatchProgress {
    pub fn new(kind: ProgressKind, images: usize) -> Self {
        let (current, started) = (String::new(), Instant::now());
        Self { reporter: Reporter::new(kind), images, over: 0, drawn: 0, started, current, share: 0.0 }
    }

    /// Starts with images that are there already.
    pub fn begin(&mut self, there: usize) {
        self.over = there;
        self.reporter.event(&json!({ "event": "batch", "images": self.images, "skipped": there }));
        self.reporter.show(ProgressBar::new(self.images as u64).with_style(style()).with_position(there as u64));
        self.reporter.bar.enable_steady_tick(Duration::from_millis(200));
        if there > 0 {
            self.reporter.note(&format!("{there} of {} images are there already", self.images));
        }
    }

    pub fn begun(&mut self, image: &str) {
        self.reporter.restart();
        (self.current, self.share) = (image.into(), 0.0);
        self.show("loading");
    }

    pub fn step(&mut self, Step { call, calls }: Step) {
        self.share = call as f64 / calls.max(1) as f64;
        self.show(&format!("{call}/{calls}"));
        self.reporter.event(&json!({ "event": "step", "image": self.current, "step": call, "steps": calls }));
    }

    pub fn drawn(&mut self, file: &Path) {
        (self.over, self.drawn, self.share) = (self.over + 1, self.drawn + 1, 0.0);
        let (seconds, file) = (self.reporter.seconds(), file.display().to_string());
        self.reporter.line(&format!("{file} ({seconds:.1} s)"));
        self.reporter.event(&json!({
            "event": "done", "file": file, "seconds": seconds, "done": self.over, "images": self.images,
            "images_per_second": self.rate(), "seconds_left": self.seconds_left(),
        }));
        self.show("");
    }

    pub fn failed(&mut self, image: &str, reason: &str) {
        (self.over, self.share) = (self.over + 1, 0.0);
        if self.reporter.kind == ProgressKind::Json {
            self.reporter.event(&json!({ "event": "failed", "image": image, "error": reason }));
        } else {
            self.reporter.warn(&format!("{image}: {reason}"));
        }
        self.show("");
    }

    pub fn end(&mut self, drawn: usize, skipped: usize, failed: usize) {
        let seconds = self.started.elapsed().as_secs_f64();
        self.reporter.clear();
        let rate = self.rate();
        self.reporter.line(&format!(
            "{drawn} images drawn in {seconds:.1} s ({rate:.2} images/s), {skipped} were there, {failed} failed"
        ));
        self.reporter.event(&json!({
            "event": "finished", "drawn": drawn, "skipped": skipped, "failed": failed, "seconds": seconds,
            "images_per_second": rate,
        }));
    }

    pub fn wrote(&mut self, file: &Path) {
        self.reporter.line(&file.display().to_string());
    }

    fn show(&self, what: &str) {
        let left = self.seconds_left().map(|seconds| format!("  {} left", time(seconds))).unwrap_or_default();
        let rate = if self.rate() > 0.0 { format!("  {}", speed(self.rate())) } else { String::new() };
        self.reporter.bar.set_position(self.over as u64);
        self.reporter.bar.set_message(format!("{rate}{left}  {} {what}", self.current));
    }

    /// Images per second, with the part of the current one.
    fn rate(&self) -> f64 {
        (self.drawn as f64 + self.share) / self.started.elapsed().as_secs_f64().max(1e-9)
    }

    fn seconds_left(&self) -> Option<f64> {
        let (rate, left) = (self.rate(), self.images.saturating_sub(self.over) as f64 - self.share);
        (rate > 0.0).then(|| left.max(0.0) / rate)
    }
}

/// Images per second in words, or seconds per image.
pub fn speed(rate: f64) -> String {
    match rate {
        rate if rate >= 1.0 || rate <= 0.0 => format!("{rate:.1} images/s"),
        rate => format!("{:.1} s/image", 1.0 / rate),
    }
}

/// A time in words.
pub fn time(seconds: f64) -> String {
    format!("{:#}", HumanDuration(Duration::try_from_secs_f64(seconds.round()).unwrap_or(Duration::MAX)))
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{bar:32} {pos}/{len}{msg}").expect("the template is right")
}
