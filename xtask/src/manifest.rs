use std::path::{Path, PathBuf};

use crate::cargo::root;

/// What a crate's `Cargo.toml` says, as far as the other commands ask for it.
#[derive(Debug, Default, PartialEq)]
pub struct Manifest {
    pub name: String,
    /// What it is, in a sentence.
    pub description: String,
    /// Whether it goes to the registry.
    pub published: bool,
    /// The keys of `[package]`.
    pub keys: Vec<String>,
    /// The workspace's crates that it is built with.
    pub uses: Vec<String>,
    /// Those that only its tests, examples and benchmarks are built with.
    pub tests_use: Vec<String>,
}

/// The manifests of all crates of the workspace.
pub fn all() -> Result<Vec<Manifest>, String> {
    let entries = std::fs::read_dir(root().join("crates")).map_err(|error| format!("crates: {error}"))?;
    let mut folders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.extend(["benches", "xtask"].map(|name| root().join(name)));
    folders.iter().map(|folder| read(folder)).collect()
}

fn read(folder: &Path) -> Result<Manifest, String> {
    let file = folder.join("Cargo.toml");
    let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(parse(&text))
}

/// Reads the few forms that our manifests have: this crate is built before a library for TOML is.
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
