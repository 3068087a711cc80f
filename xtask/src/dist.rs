use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};

use crate::cargo::{cargo, root, target};

/// What stands beside the program in the archive.
const TEXTS: [&str; 4] = ["README.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT"];

/// Builds `sd` for machines of this kind that have no compiler, draws an image with it, and packs it.
pub fn run() -> ExitCode {
    match pack() {
        Ok(archive) => {
            println!("{}", archive.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn pack() -> Result<PathBuf, String> {
    let triple = host()?;
    let built = build(&triple)?;
    if is_glibc(&triple) && !is_static(&read(&built)?) {
        return Err(format!("{}: it needs libraries of the system, but should contain them", built.display()));
    }
    let name = format!("sd-{}-{triple}", env!("CARGO_PKG_VERSION"));
    let dist = target().join("dist-archives");
    let folder = dist.join(&name);
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let program = folder.join(program());
    copy(&built, &program)?;
    for text in TEXTS {
        copy(&root().join(text), &folder.join(text))?;
    }
    draw(&program, &dist.join("tried.png"))?;
    let archive = dist.join(format!("{name}.tar.gz"));
    // Windows has this program, too.
    succeed(Command::new("tar").arg("-czf").arg(&archive).arg("-C").arg(&dist).arg(&name))?;
    Ok(archive)
}

/// Builds the program. On Linux the C library is inside, so that any distribution will do.
///
/// It is glibc rather than musl: `mallopt` makes it keep the memory of one tensor for the next, which musl cannot.
fn build(triple: &str) -> Result<PathBuf, String> {
    let mut build = cargo();
    build.args(["rustc", "--release", "-p", "sd-cli", "--bin", "sd", "--features", "nats"]);
    build.args(["--", "-C", "strip=symbols"]);
    if is_glibc(triple) {
        build.args(["-C", "target-feature=+crt-static"]);
    }
    succeed(build.current_dir(root()))?;
    Ok(target().join("release").join(program()))
}

fn is_glibc(triple: &str) -> bool {
    triple.ends_with("linux-gnu")
}

fn program() -> String {
    format!("sd{}", env::consts::EXE_SUFFIX)
}

/// The name of this machine's kind, as the compiler calls it.
fn host() -> Result<String, String> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(&rustc).arg("-vV").output().map_err(|error| format!("rustc: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let triple = text.lines().find_map(|line| line.strip_prefix("host: "));
    triple.map(str::to_string).ok_or_else(|| "rustc -vV names no host".to_string())
}

/// Draws with the built-in model, without any variable of this shell: the program must stand alone.
fn draw(program: &Path, image: &Path) -> Result<(), String> {
    let mut draw = Command::new(program);
    draw.args(["generate", "--prompt", "a red house by the sea at sunset", "--steps", "5", "--output"]).arg(image);
    succeed(&mut draw)?;
    let drawn = read(image)?;
    if drawn.starts_with(b"\x89PNG") { Ok(()) } else { Err(format!("{}: not a PNG file", image.display())) }
}

/// Whether a 64-bit ELF program needs no loader: none of its program headers is PT_INTERP.
fn is_static(elf: &[u8]) -> bool {
    let number = |at: usize, size: usize| -> Option<usize> {
        Some(elf.get(at..at + size)?.iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    };
    let kind = |i| number(number(32, 8)? + i * number(54, 2)?, 4);
    let headers = number(56, 2).unwrap_or(0);
    headers > 0 && (0..headers).all(|i| kind(i).is_some_and(|kind| kind != 3))
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    fs::read(file).map_err(|error| format!("{}: {error}", file.display()))
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    fs::copy(from, to).map(|_| ()).map_err(|error| format!("{}: {error}", from.display()))
}

fn succeed(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(format!("{name} failed, see above")),
        Err(error) => Err(format!("{name}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_static_unless_it_names_a_loader() {
        let mut elf = vec![0; 64 + 2 * 56];
        (elf[32], elf[54], elf[56]) = (64, 56, 2);
        (elf[64], elf[64 + 56]) = (1, 2);
        assert!(is_static(&elf));
        elf[64 + 56] = 3;
        assert!(!is_static(&elf));
        assert!(!is_static(&elf[..100]) && !is_static(b"#!/bin/sh"));
    }

    #[test]
    fn the_compiler_names_this_machine() {
        assert!(host().unwrap().starts_with(env::consts::ARCH));
    }
}
