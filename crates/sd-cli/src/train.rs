use std::path::PathBuf;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use sd_device::{Tuning, device_by_name};
use sd_recipe::{Event, Recipe, train};
use serde_json::json;

use crate::cancel::Cancel;
use crate::driver;
use crate::failure::{Failure, on_device};
use crate::print::complain;
use crate::progress::{Kind, say};

/// Train a model by a recipe.
///
/// A recipe is a TOML file that says what is trained (an autoencoder, or a U-Net with its text encoder), on which
/// images, and for how long. All that comes out is in its output folder: checkpoint/, metrics.jsonl, loss.svg, samples/
/// and model/, which `sd generate --model` draws with.
///
/// Ctrl-C and SIGTERM stop after a checkpoint. The same command goes on from the last checkpoint, bit for bit as if it had
/// never stopped, and finishes what was not finished; to begin anew, remove the output folder.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The recipe, a TOML file
    recipe: PathBuf,
    /// Device: flex, ndarray, wgpu, vulkan, metal, cuda or rocm, as built; wgpu:1 is the second one
    #[arg(long, value_name = "NAME", default_value = "flex")]
    device: String,
    /// How progress is shown
    #[arg(long, value_enum, default_value_t = Kind::Bar)]
    progress: Kind,
}

const EXAMPLES: &str = "\
A recipe that trains an autoencoder on drawn landscapes:
  train = \"autoencoder\"
  output = \"autoencoder\"

  [data]
  scenes = 10000        # or: folder = \"my-images\", with metadata.jsonl or a .txt beside each image
  size = 64

  [vae]                 # the keys of vae/config.json
  block_out_channels = [32, 64, 64]
  norm_num_groups = 16

  [training]
  steps = 5000
  batch = 16
  rate = 1e-3

docs/training.md has all keys.

Exit codes: 0 trained, 1 failed, 2 wrong usage or recipe, 130 stopped with Ctrl-C or SIGTERM.";

/// Follows the recipe.
pub fn run(args: &Args) -> Result<(), Failure> {
    sd_pipeline::keep_memory();
    driver::set_up(Tuning::Thorough, args.progress);
    let recipe = Recipe::read(&args.recipe)?;
    let cancel = Cancel::on_ctrl_c();
    let mut display = Display::new(args.progress);
    let result = on_device(&args.device, || -> Result<(), Failure> {
        let device = device_by_name(&args.device)?;
        train(&recipe, &device, &mut |event| {
            display.show(event);
            cancel.flow()
        })?;
        Ok(())
    });
    display.bar.finish_and_clear();
    if result.is_ok() && args.progress == Kind::Bar {
        say(&format_args!("{}", recipe.output.join("model").display()));
    }
    result
}

/// What is shown of a training.
struct Display {
    kind: Kind,
    bar: ProgressBar,
    /// What goes on before the steps.
    busy: &'static str,
    started: Instant,
    /// Steps that were made before.
    first: u64,
    steps: u64,
}

impl Display {
    fn new(kind: Kind) -> Self {
        Self { kind, bar: ProgressBar::hidden(), busy: "", started: Instant::now(), first: 0, steps: 0 }
    }

    fn show(&mut self, event: &Event) {
        match self.kind {
            Kind::Bar => self.bar(event),
            Kind::Json => self.json(event),
            Kind::None => {
                if let Event::Warning(message) = event {
                    complain(&format_args!("warning: {message}"));
                }
            }
        }
    }

    fn bar(&mut self, event: &Event) {
        match event {
            Event::Busy { what, done, total } if self.steps == 0 => {
                if self.busy != *what {
                    self.busy = what;
                    self.bar.finish_and_clear();
                    self.bar = ProgressBar::new_spinner();
                    self.bar.enable_steady_tick(Duration::from_millis(100));
                }
                self.bar.set_message(counted(what, *done, *total));
            }
            Event::Busy { what, done, total } => self.bar.set_message(counted(what, *done, *total)),
            Event::Warning(message) => self.bar.suspend(|| complain(&format_args!("warning: {message}"))),
            Event::Started { step, steps } => {
                self.steps = *steps;
                self.bar.finish_and_clear();
                self.bar = ProgressBar::new(*steps).with_style(style()).with_position(*step);
                self.bar.reset_eta();
            }
            Event::Step(progress) => {
                self.bar.set_position(progress.step + 1);
                self.bar.set_message(format!("loss {:.4}, rate {:.1e}", progress.loss, progress.rate));
            }
            Event::Sampled(file) => self.bar.suspend(|| say(&file.display())),
            _ => {}
        }
    }

    fn json(&mut self, event: &Event) {
        match event {
            Event::Busy { what, .. } if self.steps == 0 && self.busy != *what => {
                self.busy = what;
                say(&json!({ "event": "busy", "what": what }));
            }
            Event::Warning(message) => say(&json!({ "event": "warning", "message": message })),
            Event::Started { step, steps } => {
                (self.started, self.first, self.steps) = (Instant::now(), *step, *steps);
                say(&json!({ "event": "started", "step": step, "steps": steps }));
            }
            Event::Step(progress) => {
                let (step, seconds) = (progress.step + 1, self.started.elapsed().as_secs_f64());
                let left = seconds / (step - self.first) as f64 * (self.steps - step) as f64;
                say(&json!({
                    "event": "step", "step": step, "steps": self.steps, "loss": progress.loss,
                    "gradient_norm": progress.gradient_norm, "rate": progress.rate,
                    "seconds": seconds, "seconds_left": left,
                }));
            }
            Event::Saved { step } => say(&json!({ "event": "saved", "step": step })),
            Event::Sampled(file) => say(&json!({ "event": "sampled", "file": file })),
            _ => {}
        }
    }
}

fn counted(what: &str, done: usize, total: usize) -> String {
    if total > 0 { format!("{what}: {done} of {total}") } else { what.to_string() }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{bar:32} {pos}/{len}  {per_sec}  {eta} left  {msg}").expect("the template is right")
}
