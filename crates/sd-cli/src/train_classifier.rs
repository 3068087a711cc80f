use std::path::PathBuf;

use sd_device::{Tuning, device_by_name};
use sd_evaluate::{Attribute, ClassifierConfig, Style, TrainingConfig, ceiling};

use crate::cancel::Cancel;
use crate::driver;
use crate::failure::{Failure, on_device};
use crate::flags::DeviceFlag;
use crate::outputs;
use crate::progress::Progress;
use crate::reporter::ProgressKind;

/// Train the classifier with which `sd evaluate` judges images.
///
/// It learns to recognise what rendered scenes show. The scenes are rendered during the training. The same flags give the
/// same classifier. At the end it is tested on 500 new scenes, and its accuracy is printed.
///
/// Ctrl-C and SIGTERM stop after a checkpoint; the same command continues from there.
#[derive(clap::Args)]
#[command(args_override_self = true)]
pub struct Args {
    /// Output folder, for config.json and model.safetensors
    #[arg(long, value_name = "PATH")]
    output: PathBuf,
    /// Optimiser steps
    #[arg(long, value_name = "N", default_value_t = 2000)]
    steps: u64,
    /// Images per step
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..))]
    batch: u64,
    /// Highest learning rate
    #[arg(long, value_name = "F", default_value_t = 2e-3)]
    rate: f64,
    /// Random seed of the initial weights and the scenes
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// How the scenes are drawn: paint or pencil
    #[arg(long, value_name = "NAME", default_value_t = Style::Paint)]
    style: Style,
    #[command(flatten)]
    device: DeviceFlag,
    /// How progress is shown
    #[arg(long, value_enum, default_value_t = ProgressKind::Bar)]
    progress: ProgressKind,
}

/// Trains, tests and writes a classifier.
pub fn run(args: &Args) -> Result<(), Failure> {
    sd_pipeline::keep_memory();
    driver::set_up(Tuning::Thorough, args.progress);
    on_device(&args.device.name, || train(args))
}

fn train(args: &Args) -> Result<(), Failure> {
    let device = device_by_name(&args.device.name)?;
    outputs::check_folder("--output", &args.output)?;
    let Args { steps, rate, seed, .. } = *args;
    let training = TrainingConfig { seed, batch: args.batch as usize, rate, ..TrainingConfig::new(steps) };
    let cancel = Cancel::on_ctrl_c();
    let mut progress = Progress::new(args.progress);
    let classifier = ClassifierConfig { style: args.style, ..ClassifierConfig::default() };
    training.train(&classifier, &device, &args.output, &mut |step| {
        progress.work(&format!("loss {:.3}", step.loss), step.step + 1, steps);
        cancel.flow()
    })?;
    // The classifier as saved, in half precision.
    let classifier = sd_evaluate::Classifier::from_folder(&args.output, &device)?;
    let judgement = ceiling(&classifier, 500, 0, &mut |_| cancel.flow())?;
    for attribute in Attribute::ALL {
        let score = judgement.score(attribute);
        progress.note(&format!("{attribute:<13} {:5.1} % of {}", 100.0 * score.share(), score.cases));
    }
    progress.finished(&args.output.display().to_string());
    Ok(())
}
