use std::process::{Command, ExitCode};

use crate::cargo::{cargo, root, target};
use crate::manifest;

/// The largest package that crates.io accepts, in bytes.
const LIMIT: u64 = 10 * 1024 * 1024;

/// The crate that is also built from its package: a small one that depends on none of the others.
const ALONE: &str = "sd-schedule";

/// Packages all published crates, and builds one of them from its package.
pub fn run() -> ExitCode {
    match packages().and_then(|sizes| build_alone().map(|()| sizes)) {
        Ok(sizes) => {
            for (name, bytes) in sizes {
                println!("{bytes:9} {name}");
            }
            println!("{ALONE} was built from its package");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Packages all published crates, and returns the size of each in bytes.
fn packages() -> Result<Vec<(String, u64)>, String> {
    let names: Vec<String> = manifest::all()?.into_iter().filter(|one| one.published).map(|one| one.name).collect();
    let mut command = package();
    command.arg("--no-verify");
    for name in &names {
        command.args(["--package", name]);
    }
    succeed(&mut command)?;
    let sizes = names.into_iter().map(|name| {
        let bytes = size(&name)?;
        if bytes > LIMIT {
            return Err(format!("the package of {name} has {bytes} bytes, but crates.io accepts at most {LIMIT}"));
        }
        Ok((name, bytes))
    });
    sizes.collect()
}

/// Builds a crate from its package, without the rest of the workspace.
fn build_alone() -> Result<(), String> {
    succeed(package().args(["--package", ALONE]))
}

/// `cargo package`, offline and into its own folder, so that it does not wait for another cargo.
fn package() -> Command {
    let mut command = cargo();
    command.args(["package", "--quiet", "--allow-dirty", "--offline", "--target-dir"]).arg(target().join("packages"));
    command.current_dir(root());
    command
}

fn succeed(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("cargo: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("cargo package failed:\n{}", String::from_utf8_lossy(&output.stderr))),
    }
}

fn size(name: &str) -> Result<u64, String> {
    let file = target().join("packages/package").join(format!("{name}-{}.crate", env!("CARGO_PKG_VERSION")));
    let found = std::fs::metadata(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(found.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packaged_crate_builds_without_the_workspace() {
        assert_eq!(build_alone(), Ok(()));
    }

    #[test]
    fn every_published_crate_is_packaged_and_fits_into_the_registry() {
        let sizes = packages().unwrap();
        assert!(sizes.iter().any(|(name, _)| name == ALONE), "{sizes:?}");
    }

    #[test]
    fn every_crate_has_a_readme_that_begins_with_its_description() {
        for one in manifest::all().unwrap().iter().filter(|one| root().join("crates").join(&one.name).is_dir()) {
            let file = root().join("crates").join(&one.name).join("README.md");
            let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            let expected = format!("# {}\n\n{}\n", one.name, one.description);
            assert!(text.starts_with(&expected), "{} does not begin with {expected}", file.display());
        }
    }

    #[test]
    fn every_published_crate_has_its_metadata_and_depends_on_published_ones() {
        let crates = manifest::all().unwrap();
        for one in crates.iter().filter(|one| one.published) {
            for key in ["description", "license", "repository", "documentation", "readme", "keywords", "categories"] {
                assert!(one.keys.iter().any(|known| known == key), "{} has no {key}", one.name);
            }
            for file in ["LICENSE-MIT", "LICENSE-APACHE"] {
                assert!(root().join("crates").join(&one.name).join(file).is_file(), "{} has no {file}", one.name);
            }
            for used in &one.uses {
                let published = crates.iter().any(|other| other.name == *used && other.published);
                assert!(published, "{} depends on {used}, which is not published", one.name);
            }
        }
    }
}
