use std::path::{Path, PathBuf};

use crate::cargo::root;

/// The parts of a crate's `Cargo.toml` that the other commands need.
#[derive(Debug, Default, PartialEq)]
pub struct Manifest {
    pub name: String,
    /// The description, one sentence.
    pub description: String,
    /// Whether the crate is published on crates.io.
    pub published: bool,
    /// The keys of `[package]`.
    pub keys: Vec<String>,
    /// Workspace crates among the dependencies.
    pub uses: Vec<String>,
    /// Workspace crates that only tests, examples and benchmarks depend on.
    pub tests_use: Vec<String>,
}

/// The manifests of all crates of the workspace.
pub fn all() -> Result<Vec<Manifest>, String> {
    folders()?.iter().map(|folder| read(folder)).collect()
}

/// The folders of all crates of the workspace, sorted.
pub fn folders() -> Result<Vec<PathBuf>, String> {
    let entries = std::fs::read_dir(root().join("crates")).map_err(|error| format!("crates: {error}"))?;
    let mut folders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders.extend(["benches", "xtask"].map(|name| root().join(name)));
    Ok(folders)
}

fn read(folder: &Path) -> Result<Manifest, String> {
    let file = folder.join("Cargo.toml");
    let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(parse(&text))
}

/// Parses the few forms of TOML in our manifests, because this crate has no dependencies.
fn parse(text: &str) -> Manifest {
    let mut manifest = Manifest { published: true, ..Manifest::default() };
    let mut section = "";
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
        }
        let Some((key, value)) = line.split_once('=').map(|(key, value)| (key.trim(), value.trim())) else { continue };
        let name = key.trim_end_matches(".workspace");
        if section == "package" {
            manifest.keys.push(name.into());
            match name {
                "name" => manifest.name = value.trim_matches('"').into(),
                "description" => manifest.description = value.trim_matches('"').into(),
                "publish" => manifest.published = value != "false",
                _ => {}
            }
        } else if section.ends_with("dependencies") && name.starts_with("sd-") && name != manifest.name {
            let list = if section.ends_with("dev-dependencies") { &mut manifest.tests_use } else { &mut manifest.uses };
            list.push(name.into());
        }
    }
    manifest.tests_use.retain(|name| !manifest.uses.contains(name));
    manifest.uses.sort();
    manifest.tests_use.sort();
    manifest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_crates_are_found_among_the_dependencies_only() {
        let found = parse(
            "[package]\nname = \"sd-x\"\ndescription = \"X.\"\npublish = false\nversion.workspace = true\n[features]\nsd-y = []\n\
             [dependencies]\nburn.workspace = true\nsd-vae.workspace = true\nsd-hub = { workspace = true, optional = true }\n\
             [dev-dependencies]\nsd-clip = { path = \"..\" }\nsd-x = { path = \".\" }\nsd-vae.workspace = true\n",
        );
        let strings = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
        assert_eq!(
            found,
            Manifest {
                name: "sd-x".into(),
                description: "X.".into(),
                published: false,
                keys: strings(&["name", "description", "publish", "version"]),
                uses: strings(&["sd-hub", "sd-vae"]),
                tests_use: strings(&["sd-clip"]),
            }
        );
    }
}
