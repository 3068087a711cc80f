mod circles;
mod modules;
mod tokens;

use std::process::ExitCode;

use crate::cargo::root;
use crate::manifest::{self, Manifest};

/// The lines around the diagram in the document.
const START: &str = "<!-- made by `cargo xtask layers --write` -->\n```text\n";
const END: &str = "```\n<!-- end -->\n";

/// Checks that crates depend on each other as the diagram in docs/architecture.md says, and that the files of a crate do
/// not use each other in a circle. With `--write`, writes the diagram.
pub fn run(flags: &[String]) -> ExitCode {
    let outcome = match flags {
        [] => check_diagram().and_then(|()| check_circles()).map(|()| "crates and files are in layers"),
        [flag] if flag == "--write" => write().map(|()| "the diagram in docs/architecture.md is up to date"),
        _ => Err("cargo xtask layers has one flag, --write".into()),
    };
    match outcome {
        Ok(message) => {
            println!("{message}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn check_circles() -> Result<(), String> {
    circles::check(&manifest::folders()?)
}

/// Fails with every line of the diagram that differs from the manifests.
fn check_diagram() -> Result<(), String> {
    let (text, document) = (diagram(&manifest::all()?)?, Document::read()?);
    let differences = differences(&document.diagram, &text);
    match differences.is_empty() {
        true => Ok(()),
        false => Err(format!(
            "the crates' dependencies differ from docs/architecture.md:\n{}\nif that is intended, run `cargo xtask layers --write`",
            differences.join("\n")
        )),
    }
}

fn write() -> Result<(), String> {
    let Document { before, after, .. } = Document::read()?;
    let text = diagram(&manifest::all()?)?;
    let path = root().join("docs/architecture.md");
    std::fs::write(&path, format!("{before}{START}{text}{END}{after}"))
        .map_err(|error| format!("{}: {error}", path.display()))
}

/// docs/architecture.md, split at the diagram.
struct Document {
    before: String,
    diagram: String,
    after: String,
}

impl Document {
    fn read() -> Result<Self, String> {
        let path = root().join("docs/architecture.md");
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let cut = text.split_once(START).and_then(|(before, rest)| Some((before, rest.split_once(END)?)));
        let (before, (diagram, after)) = cut.ok_or("docs/architecture.md lacks the marks around the diagram")?;
        Ok(Self { before: before.into(), diagram: diagram.into(), after: after.into() })
    }
}

/// Lines that only the old or only the new text has, marked as `diff` does.
fn differences(old: &str, new: &str) -> Vec<String> {
    let not_in = |text: &str, other: &str, mark| -> Vec<String> {
        text.lines().filter(|line| other.lines().all(|o| o != *line)).map(|line| format!("{mark} {line}")).collect()
    };
    [not_in(old, new, '-'), not_in(new, old, '+')].concat()
}

/// A line for each crate, in layers: a crate stands below all crates it depends on.
fn diagram(crates: &[Manifest]) -> Result<String, String> {
    let width = crates.iter().map(|one| one.name.len()).max().unwrap_or(0);
    let (mut layers, mut done): (Vec<String>, Vec<&str>) = (Vec::new(), Vec::new());
    while done.len() < crates.len() {
        let ready = |one: &&Manifest| {
            !done.contains(&one.name.as_str()) && one.uses.iter().all(|name| done.contains(&name.as_str()))
        };
        let mut layer: Vec<&Manifest> = crates.iter().filter(ready).collect();
        if layer.is_empty() {
            return Err("some crates depend on each other, or on a crate outside the workspace".into());
        }
        layer.sort_by_key(|one| &one.name);
        layers.push(layer.iter().map(|one| line(one, width)).collect());
        done.extend(layer.iter().map(|one| one.name.as_str()));
    }
    Ok(layers.join("\n"))
}

fn line(one: &Manifest, width: usize) -> String {
    let mut line = format!("{:width$}", one.name);
    if !one.uses.is_empty() {
        line += &format!(" ──► {}", one.uses.join(", "));
    }
    if !one.tests_use.is_empty() {
        line += &format!("   (tests ──► {})", one.tests_use.join(", "));
    }
    format!("{}\n", line.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str, uses: &[&str], tests_use: &[&str]) -> Manifest {
        let strings = |names: &[&str]| names.iter().map(|name| name.to_string()).collect();
        Manifest { name: name.into(), uses: strings(uses), tests_use: strings(tests_use), ..Manifest::default() }
    }

    #[test]
    fn the_diagram_agrees_with_the_manifests() {
        assert_eq!(check_diagram(), Ok(()));
    }

    #[test]
    fn no_files_of_a_crate_use_each_other_in_a_circle() {
        assert_eq!(check_circles(), Ok(()));
    }

    #[test]
    fn a_crate_stands_below_all_crates_it_depends_on() {
        let crates =
            [named("top", &["sd-b", "sd-a"], &["sd-test"]), named("sd-b", &["sd-a"], &[]), named("sd-a", &[], &[])];
        let expected = "sd-a\n\nsd-b ──► sd-a\n\ntop  ──► sd-b, sd-a   (tests ──► sd-test)\n";
        assert_eq!(diagram(&crates).as_deref(), Ok(expected));
    }

    #[test]
    fn crates_that_depend_on_each_other_are_refused() {
        assert!(diagram(&[named("sd-a", &["sd-b"], &[]), named("sd-b", &["sd-a"], &[])]).is_err());
    }

    #[test]
    fn a_changed_line_is_named() {
        assert_eq!(differences("a\nb\n", "a\nb ──► a\n"), ["- b", "+ b ──► a"]);
    }
}
