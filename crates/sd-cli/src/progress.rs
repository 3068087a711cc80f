use std::time::{Duration, Instant};

use clap::ValueEnum;
use indicatif::{HumanDuration, ProgressBar, ProgressState, ProgressStyle};
use sd_device::DeviceInfo;
use sd_pipeline::{MemoryNeed, Step};
use serde_json::json;

use crate::print::{complain, print};

/// How progress is shown.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// A bar with step, rate and time left, on standard error.
    Bar,
    /// A line of JSON per event, on standard output.
    Json,
    /// Nothing.
    None,
}

/// Progress through loading and then through one image after another.
pub struct Progress {
    kind: Kind,
    bar: ProgressBar,
    started: Instant,
}

impl Progress {
    pub fn new(kind: Kind) -> Self {
        Self { kind, bar: ProgressBar::hidden(), started: Instant::now() }
    }

    /// Something without steps has begun, such as loading.
    pub fn busy(&mut self, what: &str) {
        self.started = Instant::now();
        match self.kind {
            Kind::Bar => {
                self.bar = ProgressBar::new_spinner().with_message(what.to_string());
                self.bar.enable_steady_tick(Duration::from_millis(100));
            }
            Kind::Json => say(&json!({ "event": "busy", "what": what })),
            Kind::None => {}
        }
    }

    /// The model is loaded.
    pub fn loaded(&mut self) {
        let seconds = self.started.elapsed().as_secs_f64();
        match self.kind {
            Kind::Bar => self.bar.finish_with_message(format!("loaded in {seconds:.1} s")),
            Kind::Json => say(&json!({ "event": "loaded", "seconds": seconds })),
            Kind::None => {}
        }
    }

    /// An image has begun.
    pub fn image(&mut self) {
        self.started = Instant::now();
        self.bar = ProgressBar::hidden();
    }

    /// The network was called for image `index`.
    pub fn step(&mut self, index: usize, step: &Step) {
        match self.kind {
            Kind::Bar => {
                if step.call == 1 {
                    self.bar =
                        ProgressBar::new(step.calls as u64).with_style(style()).with_elapsed(self.started.elapsed());
                }
                self.bar.set_position(step.call as u64);
                if step.call == 1 {
                    // It took the bar no time, and is not to count.
                    self.bar.reset_eta();
                }
                if step.call == step.calls {
                    self.bar.set_message("decoding");
                }
            }
            Kind::Json => {
                let seconds = self.started.elapsed().as_secs_f64();
                let left = seconds / step.call as f64 * (step.calls - step.call) as f64;
                let line = json!({
                    "event": "step", "image": index, "step": step.call, "steps": step.calls,
                    "sigma": step.sigma, "seconds": seconds, "seconds_left": left,
                });
                say(&line);
            }
            Kind::None => {}
        }
    }

    /// Image `index` is written, of the noise that a seed names, or of that of a file.
    pub fn done(&mut self, index: usize, seed: Option<u64>, file: &str) {
        let seconds = self.started.elapsed().as_secs_f64();
        match self.kind {
            Kind::Bar => {
                self.bar.finish_and_clear();
                let noise = seed.map_or("noise of --latents".into(), |seed| format!("seed {seed}"));
                say(&format_args!("{file} ({noise}, {seconds:.1} s)"));
            }
            Kind::Json => {
                say(&json!({ "event": "done", "image": index, "seed": seed, "file": file, "seconds": seconds }));
            }
            Kind::None => {}
        }
    }

    /// So much is done of a long piece of work, of which `what` is going on now.
    pub fn work(&mut self, what: &str, done: u64, total: u64) {
        match self.kind {
            Kind::Bar => {
                if self.bar.length() != Some(total) {
                    self.started = Instant::now();
                    self.bar = ProgressBar::new(total).with_style(work_style());
                }
                self.bar.set_message(what.to_string());
                self.bar.set_position(done);
            }
            Kind::Json => {
                let seconds = self.started.elapsed().as_secs_f64();
                say(&json!({ "event": "work", "what": what, "done": done, "total": total, "seconds": seconds }));
            }
            Kind::None => {}
        }
    }

    /// A piece of work is over, and something else follows.
    #[cfg(feature = "hub")]
    pub fn clear(&mut self) {
        self.bar.finish_and_clear();
        self.bar = ProgressBar::hidden();
    }

    /// Something was found out on the way.
    pub fn note(&self, text: &str) {
        self.bar.suspend(|| note(self.kind, text));
    }

    /// What an image will take of a device's memory.
    pub fn need(&self, need: &MemoryNeed, device: &DeviceInfo) {
        let MemoryNeed { weights, sampling, decoding } = *need;
        if self.kind == Kind::Json {
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
        say(&format_args!("sampling {}  beside the weights", gigabytes(sampling)));
        say(&format_args!("decoding {}  beside the weights", gigabytes(decoding)));
        say(&format_args!("peak     {}{of}{now}", gigabytes(need.peak())));
    }

    /// All is done, and written to a file or a folder.
    pub fn finished(&mut self, file: &str) {
        match self.kind {
            Kind::Bar => {
                self.bar.finish_and_clear();
                say(&format_args!("{file} ({:.1} s)", self.started.elapsed().as_secs_f64()));
            }
            Kind::Json => say(&json!({ "event": "finished", "file": file })),
            Kind::None => {}
        }
    }

    /// Says something that matters although all goes on.
    pub fn warn(&self, message: &str) {
        match self.kind {
            Kind::Json => say(&json!({ "event": "warning", "message": message })),
            Kind::Bar | Kind::None => self.bar.suspend(|| complain(&format_args!("warning: {message}"))),
        }
    }
}

impl Drop for Progress {
    /// Leaves no bar on the screen when an error ends the run.
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Says what was found out on the way.
pub fn note(kind: Kind, text: &str) {
    match kind {
        Kind::Bar => say(&text),
        Kind::Json => say(&json!({ "event": "note", "text": text })),
        Kind::None => {}
    }
}

/// Prints a line.
pub fn say(line: &dyn std::fmt::Display) {
    print(&format_args!("{line}\n"));
}

fn work_style() -> ProgressStyle {
    ProgressStyle::with_template("{bar:32} {percent} %  {eta} left  {msg}").expect("the template is right")
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{bar:32} {pos}/{len}  {rate}  {left} left  {msg}")
        .expect("the template is right")
        .with_key("rate", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let _ = match rate(state) {
                rate if rate >= 1.0 || rate <= 0.0 => write!(out, "{rate:.1} steps/s"),
                rate => write!(out, "{:.1} s/step", 1.0 / rate),
            };
        })
        .with_key("left", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let steps = state.len().unwrap_or(0).saturating_sub(state.pos());
            let left = Duration::try_from_secs_f64(steps as f64 / rate(state)).unwrap_or_default();
            let _ = write!(out, "{:#}", HumanDuration(left));
        })
}

/// Steps a second. The bar begins with the first of them, which is all that is known then.
fn rate(state: &ProgressState) -> f64 {
    if state.pos() > 1 { state.per_sec() } else { state.pos() as f64 / state.elapsed().as_secs_f64() }
}
