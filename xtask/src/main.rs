//! The project's own commands; `cargo xtask` lists them.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this crate is what prints")]

mod arrows;
mod cargo;
mod compare;
mod drift;
mod generate;
mod golden;
#[cfg(test)]
mod links;
mod manifest;
mod package;
mod report;
mod test;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask generate FLAGS...   build `sd` in release, with the backend that --device needs, and run `sd generate FLAGS...`
cargo xtask test [FLAGS...]     run all tests on the CPU and on a graphics driver (flags go to `cargo test`)
cargo xtask report [FLAGS...]   measure all samplers and write docs/samplers.md and its plots (flags go to `cargo run`)
cargo xtask compare FLAGS...    time the networks beside PyTorch and OpenVINO; --help says what it needs
cargo xtask drift FEATURES [--model PATH]   how far devices and precisions drift apart; FEATURES as in wgpu,cuda
cargo xtask arrows [--write]    check that crates depend on each other as docs/architecture.md says, or write there how they do
cargo xtask golden [--python PYTHON]   list the golden data of the tests, or make them anew; --help says more
cargo xtask package             package every crate that is published, and build the smallest from its package";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let command = args.next();
    let rest: Vec<String> = args.collect();
    match command.as_deref() {
        Some("generate") => generate::run(&rest),
        Some("test") => test::run(&rest),
        Some("report") => report::run(&rest),
        Some("compare") => compare::run(&rest),
        Some("drift") => drift::run(&rest),
        Some("arrows") => arrows::run(&rest),
        Some("golden") => golden::run(&rest),
        Some("package") => package::run(),
        None | Some("help" | "--help" | "-h") => {
            println!("{HELP}");
            ExitCode::SUCCESS
        }
        Some(other) => {
            eprintln!("error: unknown command `{other}`\n\n{HELP}");
            ExitCode::from(2)
        }
    }
}
