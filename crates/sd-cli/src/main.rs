//! `sd`, the command line of sd-burn.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this crate is what prints")]

mod generate;
mod progress;
mod samplers;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use sd_pipeline::Error;

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
}

fn main() -> ExitCode {
    let command = Cli::parse().command;
    // A panic is a bug, or a driver that gave up: one line all the same, and never an abort.
    std::panic::set_hook(Box::new(|_| {}));
    let run = || match command {
        Command::Generate(args) => generate::run(&args),
        Command::Samplers => samplers::run(),
    };
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            eprintln!("error: {error}");
            ExitCode::from(exit_code(&error))
        }
        Err(panic) => {
            let message = panic.downcast_ref::<String>().map(String::as_str);
            let message = message.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
            eprintln!("error: internal error, please report it: {}", message.replace('\n', " "));
            ExitCode::FAILURE
        }
    }
}

/// 2 for what was asked, 130 for Ctrl-C as shells expect it, 1 for the rest.
fn exit_code(error: &Error) -> u8 {
    match error {
        Error::Cancelled { .. } => 130,
        error if error.is_usage() => 2,
        _ => 1,
    }
}
