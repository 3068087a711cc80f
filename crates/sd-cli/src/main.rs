//! `sd`, the command line of sd-burn.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this crate is what prints")]

mod builtin;
mod cancel;
mod convert;
mod devices;
mod driver;
mod evaluate;
mod failure;
mod flag_names;
mod generate;
#[cfg(feature = "hub")]
mod hub;
mod info;
mod model;
mod outputs;
mod print;
mod processor;
mod progress;
mod samplers;
mod seed;
mod train;
mod train_classifier;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::print::complain;

/// Stable Diffusion in Rust: draws images from text, on any machine.
///
/// Try: sd generate --prompt "a red house by the sea at sunset"
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Threads that compute on the processor [default: one for each core]
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
}

#[derive(Subcommand)]
enum Command {
    Generate(Box<generate::Args>),
    Info(info::Args),
    Convert(convert::Args),
    /// List the samplers, their options, and the schedules
    Samplers,
    /// List what this machine and this build can compute on
    Devices,
    Train(train::Args),
    Evaluate(Box<evaluate::Args>),
    TrainClassifier(Box<train_classifier::Args>),
}

fn main() -> ExitCode {
    let Cli { command, threads } = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return tell(&error),
    };
    // The workers of a training are 2 % faster with heaps of their own, and have no tensors that these are too small for.
    if matches!(command, Command::Generate(_) | Command::Evaluate(_)) {
        sd_pipeline::one_heap();
    }
    // A panic is a bug, or a driver that gave up: one line all the same, and never an abort.
    std::panic::set_hook(Box::new(|_| {}));
    let run = || -> Result<(), failure::Failure> {
        processor::set_up(threads)?;
        // On a thread of the pool, from which a kernel can hand out work without being switched for another thread.
        rayon::scope(|_| match command {
            Command::Generate(args) => generate::run(&args),
            Command::Info(args) => Ok(info::run(&args)?),
            Command::Convert(args) => convert::run(&args),
            Command::Samplers => Ok(samplers::run()?),
            Command::Devices => Ok(devices::run()?),
            Command::Train(args) => train::run(&args),
            Command::Evaluate(args) => evaluate::run(&args),
            Command::TrainClassifier(args) => train_classifier::run(&args),
        })?;
        print::finish()
    };
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            complain(&format_args!("error: {error}"));
            ExitCode::from(error.code)
        }
        Err(panic) => {
            let words = sd_device::panic_message(&*panic);
            complain(&format_args!("error: internal error, please report it: {words}"));
            ExitCode::FAILURE
        }
    }
}

/// Prints what is wrong with the flags, or the help that they ask for.
fn tell(error: &clap::Error) -> ExitCode {
    let told = error.print();
    if !error.use_stderr() {
        print::keep(told);
    }
    match print::finish() {
        Ok(()) => ExitCode::from(error.exit_code() as u8),
        Err(failure) => {
            complain(&format_args!("error: {failure}"));
            ExitCode::from(failure.code)
        }
    }
}
