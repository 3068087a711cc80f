//! The project's own commands; `cargo xtask` lists them.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is a program")]

mod cargo;
mod compare;
mod dist;
mod drift;
mod generate;
mod golden;
mod layers;
#[cfg(test)]
mod links;
mod manifest;
mod package;
mod report;
mod test;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask generate FLAGS...   build what of `sd` the flags need, with the backend for --device, and run `sd generate FLAGS...`
cargo xtask test [FLAGS...]     run all tests on the CPU and on a graphics driver (flags go to `cargo test`)
cargo xtask report [FLAGS...]   measure all samplers and write docs/samplers.md and its plots (flags go to `cargo run`)
cargo xtask compare FLAGS...    time the networks against PyTorch and OpenVINO; see --help
cargo xtask drift FEATURES [--model PATH]   measure how far devices and precisions drift apart; FEATURES such as wgpu,cuda
cargo xtask golden [--python PYTHON]   list the golden data of the tests, or make them again; see --help
cargo xtask layers [--write]    check the crates' dependencies against docs/architecture.md, and every crate for circular
                                imports; --write updates the diagram there
cargo xtask dist                build `sd` for other machines of this kind, draw an image with it, and pack it into an archive
cargo xtask package             package all published crates, and build one of them from its package";

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
        Some("golden") => golden::run(&rest),
        Some("layers") => layers::run(&rest),
        Some("dist") => dist::run(),
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
