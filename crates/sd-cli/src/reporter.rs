//! What all progress displays share: the chosen form, the bar, notes and warnings.

use std::time::{Duration, Instant};

use clap::ValueEnum;
use indicatif::ProgressBar;
use serde_json::{Value, json};

use crate::print::{complain, print};

/// How progress is shown.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProgressKind {
    /// A bar with step, rate and time left, on standard error.
    Bar,
    /// A line of JSON per event, on standard output.
    Json,
    /// Nothing.
    None,
}

/// Shows a bar or prints events, and measures time.
pub struct Reporter {
    pub kind: ProgressKind,
    /// Hidden, unless bars are shown.
    pub bar: ProgressBar,
    started: Instant,
}

impl Reporter {
    pub fn new(kind: ProgressKind) -> Self {
        Self { kind, bar: ProgressBar::hidden(), started: Instant::now() }
    }

    /// Restarts the clock.
    pub fn restart(&mut self) {
        self.started = Instant::now();
    }

    /// Seconds since the clock was started.
    pub fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// The seconds that are left if the rest takes as long for its share as what is `done`, a share above 0, up to 1.
    pub fn seconds_left(&self, done: f64) -> f64 {
        self.seconds() / done * (1.0 - done)
    }

    /// Replaces the bar by a spinner.
    pub fn spin(&mut self, message: &str) {
        self.clear_unfinished();
        if self.kind == ProgressKind::Bar {
            self.bar = ProgressBar::new_spinner().with_message(message.to_string());
            self.bar.enable_steady_tick(Duration::from_millis(100));
        }
    }

    /// Replaces the bar.
    pub fn show(&mut self, bar: ProgressBar) {
        self.clear_unfinished();
        if self.kind == ProgressKind::Bar {
            self.bar = bar;
        }
    }

    /// Removes the bar.
    pub fn clear(&mut self) {
        self.bar.finish_and_clear();
        self.bar = ProgressBar::hidden();
    }

    /// Removes the bar, unless it has finished with a message to keep.
    fn clear_unfinished(&mut self) {
        if !self.bar.is_finished() {
            self.clear();
        }
    }

    /// Prints an event, if events are printed.
    pub fn event(&self, event: &Value) {
        if self.kind == ProgressKind::Json {
            say(event);
        }
    }

    /// Prints a line above the bar, if bars are shown.
    pub fn line(&self, line: &str) {
        if self.kind == ProgressKind::Bar {
            self.bar.suspend(|| say(&line));
        }
    }

    /// Reports something worth knowing.
    pub fn note(&self, text: &str) {
        self.bar.suspend(|| note(self.kind, text));
    }

    /// Reports something wrong that does not stop the command.
    pub fn warn(&self, message: &str) {
        match self.kind {
            ProgressKind::Json => say(&json!({ "event": "warning", "message": message })),
            ProgressKind::Bar | ProgressKind::None => {
                self.bar.suspend(|| complain(&format_args!("warning: {message}")));
            }
        }
    }
}

impl Drop for Reporter {
    /// Leaves no bar on the screen when an error ends the run.
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Reports something worth knowing, where no bar is shown.
pub fn note(kind: ProgressKind, text: &str) {
    match kind {
        ProgressKind::Bar => say(&text),
        ProgressKind::Json => say(&json!({ "event": "note", "text": text })),
        ProgressKind::None => {}
    }
}

/// Prints a line.
pub fn say(line: &dyn std::fmt::Display) {
    print(&format_args!("{line}\n"));
}
