//! `sd`, the command line of sd-burn.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this crate is what prints")]

mod cancel;
mod failure;
mod generate;
mod progress;
mod samplers;
mod train;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use failure::Failure;

/// Stable Diffusion in Rust: draws pictures from text, on any machine.
///
/// Try: sd generate --model stable-diffusion-v1-5 --prompt "a lighthouse at dusk"
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Generate(Box<generate::Args>),
    /// List the samplers, their options, and the schedules
    Samplers,
    Train(train::Args),
}

fn main() -> ExitCode {
    let command = Cli::parse().command;
    // A panic is a bug, or a driver that gave up: one line all the same, and never an abort.
    std::panic::set_hook(Box::new(|_| {}));
    let run = || match command {
        Command::Generate(args) => generate::run(&args).map_err(Failure::from),
        Command::Samplers => samplers::run().map_err(Failure::from),
        Command::Train(args) => train::run(&args).map_err(Failure::from),
    };
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(Failure { message, code })) => {
            eprintln!("error: {message}");
            ExitCode::from(code)
        }
        Err(panic) => {
            let message = panic.downcast_ref::<String>().map(String::as_str);
            let message = message.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
            eprintln!("error: internal error, please report it: {}", message.replace('\n', " "));
            ExitCode::FAILURE
        }
    }
}
