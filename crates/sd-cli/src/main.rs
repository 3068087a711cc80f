//! `sd`, the command line of sd-burn.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is a program")]

mod again;
mod assignments;
mod batch;
mod builtin;
mod cancel;
mod compute_flags;
mod convert;
mod devices;
mod driver;
#[cfg(feature = "evaluate")]
mod evaluate;
mod expand;
mod failure;
mod flag_names;
mod flags;
mod generate;
#[cfg(feature = "hub")]
mod hub;
mod info;
mod input;
mod installed;
mod interpolate;
mod invert;
mod library_flags;
mod missing;
mod model;
mod naming;
#[cfg(feature = "nats")]
mod nats_flags;
mod outputs;
mod preprocess;
mod print;
mod processor;
mod progress;
mod prompt_flags;
mod reporter;
mod reproduce;
mod samplers;
mod schedule;
mod seed;
#[cfg(feature = "serve")]
mod serve;
mod session;
#[cfg(feature = "train")]
mod start_model;
mod tokens;
#[cfg(feature = "train")]
mod train;
#[cfg(feature = "evaluate")]
mod train_classifier;
#[cfg(feature = "train")]
mod train_estimate;
#[cfg(feature = "tune")]
mod tune;
mod upscale;
#[cfg(feature = "nats")]
mod worker;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::Failure;
use crate::print::complain;

/// Stable Diffusion in Rust: draw images from text on any machine
///
/// Try: sd generate --prompt "a red house by the sea at sunset"
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// CPU threads [default: one per core]
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
}

#[derive(Subcommand)]
enum Command {
    Generate(Box<generate::Args>),
    Reproduce(Box<reproduce::Args>),
    Batch(Box<batch::Args>),
    #[cfg(feature = "nats")]
    Worker(Box<worker::Args>),
    Invert(Box<invert::Args>),
    Interpolate(Box<interpolate::Args>),
    Info(info::Args),
    Convert(convert::Args),
    Upscale(upscale::Args),
    Preprocess(preprocess::Args),
    Tokens(tokens::Args),
    Expand(expand::Args),
    #[cfg(feature = "serve")]
    Serve(Box<serve::Args>),
    /// List the samplers, their options, and the schedules
    Samplers,
    /// List the devices of this machine and this build
    Devices,
    #[cfg(feature = "train")]
    Train(train::Args),
    #[cfg(feature = "tune")]
    Tune(Box<tune::Args>),
    #[cfg(feature = "evaluate")]
    Evaluate(Box<evaluate::Args>),
    #[cfg(feature = "evaluate")]
    TrainClassifier(Box<train_classifier::Args>),
}

fn main() -> ExitCode {
    let Cli { command, threads } = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return missing::complain_of(&error).unwrap_or_else(|| print_usage(&error)),
    };
    if command.shares_heap() {
        sd_pipeline::one_heap();
    }
    // A panic is a bug or a driver failure. It is reported in one line, below.
    std::panic::set_hook(Box::new(|_| {}));
    let run = || -> Result<(), Failure> {
        processor::set_up(threads)?;
        #[cfg(feature = "serve")]
        if let Command::Serve(args) = &command {
            // It waits most of the time, so it takes no thread of the pool.
            serve::run(args)?;
            return finish();
        }
        // On a thread of the pool, which can start parallel work without a switch of threads.
        rayon::scope(|_| match command {
            Command::Generate(args) => generate::run(&args),
            Command::Reproduce(args) => reproduce::run(&args),
            Command::Batch(args) => batch::run(&args),
            #[cfg(feature = "nats")]
            Command::Worker(args) => worker::run(&args),
            Command::Invert(args) => invert::run(&args),
            Command::Interpolate(args) => interpolate::run(&args),
            Command::Info(args) => info::run(&args),
            Command::Convert(args) => convert::run(&args),
            Command::Upscale(args) => upscale::run(&args),
            Command::Preprocess(args) => preprocess::run(&args),
            Command::Tokens(args) => tokens::run(&args),
            Command::Expand(args) => expand::run(&args),
            #[cfg(feature = "serve")]
            Command::Serve(_) => Ok(()),
            Command::Samplers => Ok(samplers::run()?),
            Command::Devices => Ok(devices::run()?),
            #[cfg(feature = "train")]
            Command::Train(args) => train::run(&args),
            #[cfg(feature = "tune")]
            Command::Tune(args) => tune::run(&args),
            #[cfg(feature = "evaluate")]
            Command::Evaluate(args) => evaluate::run(&args),
            #[cfg(feature = "evaluate")]
            Command::TrainClassifier(args) => train_classifier::run(&args),
        })?;
        finish()
    };
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            complain(&format_args!("error: {error}"));
            ExitCode::from(error.code)
        }
        Err(panic) => {
            let message = sd_device::panic_message(&*panic);
            complain(&format_args!("error: internal error, please report it: {message}"));
            ExitCode::FAILURE
        }
    }
}

impl Command {
    /// Whether one heap for all threads is better. The workers of a training are 2 % faster with one each, and their tensors
    /// are small enough for it.
    fn shares_heap(&self) -> bool {
        match self {
            #[cfg(feature = "nats")]
            Self::Worker(_) => true,
            Self::Generate(_) | Self::Reproduce(_) | Self::Batch(_) => true,
            Self::Invert(_) | Self::Interpolate(_) | Self::Upscale(_) => true,
            #[cfg(feature = "tune")]
            Self::Tune(_) => true,
            #[cfg(feature = "evaluate")]
            Self::Evaluate(_) => true,
            #[cfg(feature = "serve")]
            Self::Serve(_) => true,
            _ => false,
        }
    }
}

/// Fails if anything could not be printed on standard output.
fn finish() -> Result<(), Failure> {
    print::finish().map_err(|error| Failure::new(format!("standard output: {error}")))
}

/// Prints wrong usage, or the requested help.
fn print_usage(error: &clap::Error) -> ExitCode {
    let result = error.print();
    if !error.use_stderr() {
        print::keep(result);
    }
    match finish() {
        Ok(()) => ExitCode::from(error.exit_code() as u8),
        Err(failure) => {
            complain(&format_args!("error: {failure}"));
            ExitCode::from(failure.code)
        }
    }
}
