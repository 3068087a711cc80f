use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressStyle};
use sd_device::{Tuning, device_by_name};
use sd_recipe::{Event, Recipe, estimate, train};
use serde_json::json;

use crate::cancel::Cancel;
use crate::driver;
use crate::failure::{Failure, on_device};
use crate::flags::DeviceFlag;
use crate::reporter::{ProgressKind, Reporter};
use crate::start_model::with_start_folder;
use crate::train_estimate;

/// Train a model from a recipe.
///
/// A recipe is a TOML file. It says what to train (an autoencoder, a U-Net with its text encoder, a ControlNet, a LoRA, or a new
/// word), on which images, and for how long. All results go into its output folder: checkpoint/, metrics.jsonl, loss.svg, samples/
/// and model/, which `sd generate` can draw with (`--model`, `--control` for a ControlNet, `--lora` for a LoRA, `--embedding` for a
/// word).
///
/// Ctrl-C and SIGTERM stop after a checkpoint. The same command continues from the last checkpoint, bit for bit as if it had
/// never stopped. To start over, remove the output folder.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The recipe, a TOML file
    recipe: PathBuf,
    #[command(flatten)]
    device: DeviceFlag,
    /// Only say what would be trained, and how much time and memory it takes by a few measured steps; nothing is begun
    #[arg(long)]
    dry_run: bool,
    /// How progress is shown
    #[arg(long, value_enum, default_value_t = ProgressKind::Bar)]
    progress: ProgressKind,
}

const EXAMPLES: &str = "\
A recipe that trains an autoencoder on rendered landscapes:
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

A recipe of a LoRA for the built-in model:
  train = \"lora\"
  output = \"mine\"
  start = \"scenes\"      # or the folder of another model
  data = { folder = \"my-images\", size = 64 }
  lora = { rank = 8 }
  training = { steps = 500, batch = 8, rate = 1e-3 }

docs/training.md lists all keys.

Exit codes: 0 trained, 1 failed, 2 wrong usage or recipe, 130 stopped with Ctrl-C or SIGTERM.";

/// Trains a model.
pub fn run(args: &Args) -> Result<(), Failure> {
    sd_pipeline::keep_memory();
    driver::set_up(Tuning::Thorough, args.progress);
    let recipe = Recipe::read(&args.recipe)?;
    if args.dry_run {
        return dry_run(args, recipe);
    }
    let output = recipe.output.clone();
    let recipe = with_start_folder(recipe, &output)?;
    let cancel = Cancel::on_ctrl_c();
    let mut progress = TrainingProgress::new(args.progress);
    let result = on_device(&args.device.name, || -> Result<(), Failure> {
        let device = device_by_name(&args.device.name)?;
        train(&recipe, &device, &mut |event| {
            progress.show(event);
            cancel.flow()
        })?;
        Ok(())
    });
    progress.reporter.clear();
    if result.is_ok() {
        progress.reporter.line(&recipe.output.join("model").display().to_string());
    }
    result
}

/// Measures what the training takes, in a temporary folder.
fn dry_run(args: &Args, recipe: Recipe) -> Result<(), Failure> {
    let scratch = tempfile::tempdir().map_err(|error| Failure::new(format!("no temporary folder: {error}")))?;
    let recipe = with_start_folder(recipe, scratch.path())?;
    let cancel = Cancel::on_ctrl_c();
    let mut progress = TrainingProgress::new(args.progress);
    let mut found = None;
    let result = on_device(&args.device.name, || -> Result<(), Failure> {
        let device = device_by_name(&args.device.name)?;
        found = Some(estimate(&recipe, scratch.path(), &device, &mut |event| {
            progress.show(event);
            cancel.flow()
        })?);
        Ok(())
    });
    progress.reporter.clear();
    result?;
    if let Some(found) = found {
        train_estimate::tell(&found, &progress.reporter);
    }
    Ok(())
}

/// Shows the progress of a training.
struct TrainingProgress {
    reporter: Reporter,
    /// The work before the first step.
    busy: &'static str,
    /// Steps of earlier runs.
    first: u64,
    /// Steps in all; 0 before the first one.
    steps: u64,
}

impl TrainingProgress {
    fn new(kind: ProgressKind) -> Self {
        Self { reporter: Reporter::new(kind), busy: "", first: 0, steps: 0 }
    }

    fn show(&mut self, event: &Event) {
        let reporter = &mut self.reporter;
        match event {
            Event::Busy { what, done, total } => {
                if self.steps == 0 && self.busy != *what {
                    self.busy = what;
                    reporter.event(&json!({ "event": "busy", "what": what }));
                    reporter.spin(what);
                }
                reporter.bar.set_message(counted(what, *done, *total));
            }
            Event::Warning(message) => reporter.warn(message),
            Event::Started { step, steps } => {
                (self.first, self.steps) = (*step, *steps);
                reporter.restart();
                reporter.event(&json!({ "event": "started", "step": step, "steps": steps }));
                reporter.show(ProgressBar::new(*steps).with_style(style()).with_position(*step));
                reporter.bar.reset_eta();
            }
            Event::Step(progress) => {
                let step = progress.step + 1;
                reporter.bar.set_position(step);
                reporter.bar.set_message(format!("loss {:.4}, rate {:.1e}", progress.loss, progress.rate));
                reporter.event(&json!({
                    "event": "step", "step": step, "steps": self.steps, "loss": progress.loss,
                    "gradient_norm": progress.gradient_norm, "rate": progress.rate,
                    "seconds": reporter.seconds(),
                    "seconds_left": reporter.seconds_left((step - self.first) as f64 / (self.steps - self.first) as f64),
                }));
            }
            Event::Saved { step } => reporter.event(&json!({ "event": "saved", "step": step })),
            Event::Sampled(file) => {
                reporter.line(&file.display().to_string());
                reporter.event(&json!({ "event": "sampled", "file": file }));
            }
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
