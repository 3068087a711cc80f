use std::process::ExitCode;

use crate::cargo::root;

/// Which crates of the workspace each one may use: the arrows of docs/architecture.md.
const ARROWS: [(&str, &[&str]); 20] = [
    ("crates/sd-schedule", &[]),
    // Its tests measure it with sd-exact.
    ("crates/sd-samplers", &["sd-schedule", "sd-exact"]),
    ("crates/sd-exact", &["sd-schedule", "sd-samplers"]),
    ("crates/sd-report", &["sd-schedule", "sd-samplers", "sd-exact"]),
    ("crates/sd-scenes", &[]),
    // Its tests name it again, to turn its features on.
    ("crates/sd-ops", &["sd-ops"]),
    ("crates/sd-clip", &["sd-ops"]),
    ("crates/sd-scenes-model", &[]),
    ("crates/sd-unet", &["sd-ops"]),
    ("crates/sd-vae", &["sd-ops"]),
    ("crates/sd-weights", &[]),
    ("crates/sd-train", &["sd-schedule", "sd-clip", "sd-ops", "sd-unet", "sd-vae", "sd-weights", "sd-golden"]),
    ("crates/sd-pipeline", &["sd-schedule", "sd-samplers", "sd-clip", "sd-ops", "sd-unet", "sd-vae", "sd-weights"]),
    (
        "crates/sd-recipe",
        &["sd-schedule", "sd-clip", "sd-unet", "sd-vae", "sd-weights", "sd-pipeline", "sd-scenes", "sd-train"],
    ),
    ("crates/sd-evaluate", &["sd-weights", "sd-pipeline", "sd-scenes", "sd-train"]),
    ("crates/sd-hub", &[]),
    ("crates/sd-cli", &["sd-hub", "sd-pipeline", "sd-recipe", "sd-evaluate", "sd-scenes-model", "sd-golden"]),
    ("crates/sd-golden", &["sd-samplers", "sd-clip", "sd-ops", "sd-unet", "sd-vae", "sd-weights", "sd-pipeline"]),
    (
        "benches",
        &["sd-schedule", "sd-samplers", "sd-clip", "sd-ops", "sd-unet", "sd-vae", "sd-pipeline", "sd-scenes-model"],
    ),
    ("xtask", &[]),
];

pub fn run() -> ExitCode {
    match violations() {
        Ok(found) if found.is_empty() => {
            println!("the arrows hold");
            ExitCode::SUCCESS
        }
        Ok(found) => {
            eprintln!("error: {}", found.join("\nerror: "));
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Every dependency that no arrow allows, and every crate without an entry above.
fn violations() -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for (folder, allowed) in ARROWS {
        let manifest = root().join(folder).join("Cargo.toml");
        let text = std::fs::read_to_string(&manifest).map_err(|error| format!("{}: {error}", manifest.display()))?;
        for name in ours(&text).filter(|name| !allowed.contains(name)) {
            found.push(format!("{folder} uses {name}, but docs/architecture.md has no such arrow"));
        }
    }
    let crates = std::fs::read_dir(root().join("crates")).map_err(|error| format!("crates: {error}"))?;
    for entry in crates.flatten() {
        let folder = format!("crates/{}", entry.file_name().to_string_lossy());
        if ARROWS.iter().all(|(known, _)| *known != folder) {
            found.push(format!("{folder} has no entry in xtask/src/arrows.rs"));
        }
    }
    Ok(found)
}

/// The workspace's own crates among the dependencies of a manifest, those of tests and benches included.
fn ours(manifest: &str) -> impl Iterator<Item = &str> {
    manifest
        .lines()
        .skip_while(|line| !line.contains("dependencies]"))
        .filter(|line| line.starts_with("sd-"))
        .filter_map(|line| line.split(['.', ' ', '=']).next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arrows_hold() {
        assert_eq!(violations(), Ok(Vec::new()));
    }

    #[test]
    fn our_crates_are_found_among_the_dependencies_only() {
        let manifest = "name = \"x\"\n[features]\nsd-x = []\n[dependencies]\nburn.workspace = true\nsd-vae.workspace = true\n\
                        [dev-dependencies]\nsd-clip = { path = \"..\" }\n";
        assert_eq!(ours(manifest).collect::<Vec<_>>(), ["sd-vae", "sd-clip"]);
    }
}
