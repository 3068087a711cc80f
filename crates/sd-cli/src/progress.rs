//! The progress of loading, drawing, downloads and conversions.

use std::time::Duration;

use indicatif::{HumanDuration, ProgressBar, ProgressState, ProgressStyle};
use sd_device::DeviceInfo;
use sd_engine::Progress as Step;
use sd_pipeline::MemoryNeed;
use serde_json::json;

use crate::reporter::{ProgressKind, Reporter, say};

/// Shows the progress of a command that loads and draws, or does one long piece of work.
pub struct Progress {
    reporter: Reporter,
    /// How many images are drawn together.
    images: usize,
}

impl Progress {
    pub fn new(kind: ProgressKind) -> Self {
        Self { reporter: Reporter::new(kind), images: 1 }
    }

    /// Starts work that has no steps, such as loading.
    pub fn busy(&mut self, what: &str) {
        self.reporter.restart();
        self.reporter.event(&json!({ "event": "busy", "what": what }));
        self.reporter.spin(what);
    }

    /// The model is loaded.
    pub fn loaded(&mut self) {
        let seconds = self.reporter.seconds();
        self.reporter.bar.finish_with_message(format!("loaded in {seconds:.1} s"));
        self.reporter.event(&json!({ "event": "loaded", "seconds": seconds }));
    }

    /// Starts an image.
    pub fn image(&mut self) {
        self.images(1);
    }

    /// Starts images that are drawn together.
    pub fn images(&mut self, images: usize) {
        self.images = images;
        self.reporter.restart();
        self.reporter.bar = ProgressBar::hidden();
    }

    /// Shows a network call for image `index`, and for those that are drawn with it.
    pub fn step(&mut self, index: usize, step: &Step) {
        if step.call == 1 {
            let bar = ProgressBar::new(step.calls as u64).with_style(style());
            self.reporter.show(bar.with_elapsed(Duration::from_secs_f64(self.reporter.seconds())));
        }
        self.reporter.bar.set_length(step.calls as u64);
        self.reporter.bar.set_position(step.call as u64);
        let left = Duration::try_from_secs_f64(self.reporter.seconds_left(step.done)).unwrap_or_default();
        self.reporter.bar.set_prefix(format!("{:#} left", HumanDuration(left)));
        if step.call == 1 {
            // The bar was shown after this step, so the step must not count as instant.
            self.reporter.bar.reset_eta();
        }
        if step.call == step.calls {
            self.reporter.bar.set_message("decoding");
        }
        self.reporter.event(&json!({
            "event": "step", "image": index, "images": self.images, "step": step.call, "steps": step.calls, "sigma": step.sigma,
            "seconds": self.reporter.seconds(),
            "seconds_left": self.reporter.seconds_left(step.done),
        }));
    }

    /// Image `index` is written. Its noise comes from a seed, or else from a file. Images that are drawn together share the time.
    pub fn done(&mut self, index: usize, seed: Option<u64>, file: &str) {
        let seconds = self.reporter.seconds() / self.images as f64;
        let noise = seed.map_or("noise of --latents".into(), |seed| format!("seed {seed}"));
        self.reporter.clear();
        self.reporter.line(&format!("{file} ({noise}, {seconds:.1} s)"));
        self.reporter
            .event(&json!({ "event": "done", "image": index, "seed": seed, "file": file, "seconds": seconds }));
    }

    /// Shows that `done` of `total` units of a long piece of work are done. `what` is its current part.
    pub fn work(&mut self, what: &str, done: u64, total: u64) {
        if self.reporter.kind == ProgressKind::Bar && self.reporter.bar.length() != Some(total) {
            self.reporter.restart();
            self.reporter.show(ProgressBar::new(total).with_style(work_style()));
        }
        self.reporter.bar.set_message(what.to_string());
        self.reporter.bar.set_position(done);
        let seconds = self.reporter.seconds();
        self.reporter
            .event(&json!({ "event": "work", "what": what, "done": done, "total": total, "seconds": seconds }));
    }

    /// Removes the bar of a piece of work before something else starts.
    #[cfg(feature = "hub")]
    pub fn clear(&mut self) {
        self.reporter.clear();
    }

    /// Reports something worth knowing.
    pub fn note(&self, text: &str) {
        self.reporter.note(text);
    }

    /// Prints how much of a device's memory an image takes.
    pub fn need(&self, need: &MemoryNeed, device: &DeviceInfo) {
        let MemoryNeed { weights, sampling, decoding } = *need;
        if self.reporter.kind == ProgressKind::Json {
            let phases = json!({ "weights": weights, "sampling": sampling, "decoding": decoding, "peak": need.peak() });
            return say(&json!({
                "event": "memory", "device": device.name, "bytes": phases,
                "of": device.memory, "available": device.available,
            }));
        }
        let gigabytes = |bytes: usize| format!("{:>7.2} GB", bytes as f64 / 1e9);
        let of = device.memory.map(|all| format!("  of {:.1} GB", all as f64 / 1e9)).unwrap_or_default();
        let now =
            device.available.map(|bytes| format!(", {:.1} GB available now", bytes as f64 / 1e9)).unwrap_or_default();
        say(&format_args!("on {}: {}", device.name, device.hardware));
        say(&format_args!("weights  {}", gigabytes(weights)));
        say(&format_args!("sampling {}  in addition to the weights", gigabytes(sampling)));
        say(&format_args!("decoding {}  in addition to the weights", gigabytes(decoding)));
        say(&format_args!("peak     {}{of}{now}", gigabytes(need.peak())));
    }

    /// Tells the memory of a network beside the model, a part of its weights, and how often it runs.
    pub fn need_of(&self, name: &str, bytes: usize, runs: &str) {
        match self.reporter.kind {
            ProgressKind::Json => say(&json!({ "event": "network", "name": name, "bytes": bytes, "runs": runs })),
            _ => say(&format_args!("         {:>7.2} GB  of these are {name}, which runs {runs}", bytes as f64 / 1e9)),
        }
    }

    /// All work is done, and written to a file or a folder.
    pub fn finished(&mut self, file: &str) {
        self.reporter.clear();
        self.reporter.line(&format!("{file} ({:.1} s)", self.reporter.seconds()));
        self.reporter.event(&json!({ "event": "finished", "file": file }));
    }

    /// Reports something wrong that does not stop the command.
    pub fn warn(&self, message: &str) {
        self.reporter.warn(message);
    }
}

fn work_style() -> ProgressStyle {
    ProgressStyle::with_template("{bar:32} {percent} %  {eta} left  {msg}").expect("the template is right")
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{bar:32} {pos}/{len}  {rate}  {prefix}  {msg}")
        .expect("the template is right")
        .with_key("rate", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let _ = match rate(state) {
                rate if rate >= 1.0 || rate <= 0.0 => write!(out, "{rate:.1} steps/s"),
                rate => write!(out, "{:.1} s/step", 1.0 / rate),
            };
        })
}

/// Steps per second. The bar appears after the first step, whose time is the only estimate until the second.
fn rate(state: &ProgressState) -> f64 {
    if state.pos() > 1 { state.per_sec() } else { state.pos() as f64 / state.elapsed().as_secs_f64() }
}
