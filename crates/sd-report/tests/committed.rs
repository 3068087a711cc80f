//! The committed report in `docs` is the one that the code makes.

use std::path::Path;

#[test]
fn the_committed_report_is_what_the_code_makes() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    for file in sd_report::report() {
        let committed = std::fs::read_to_string(docs.join(&file.path)).unwrap_or_default();
        let differs = committed.lines().zip(file.text.lines()).find(|(committed, made)| committed != made);
        assert!(
            committed == file.text,
            "docs/{} is not what the code makes; run `cargo xtask report`. First difference: {differs:?}",
            file.path
        );
    }
}

#[test]
fn no_plot_is_left_over_from_a_sampler_that_is_gone() {
    let plots = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/samplers");
    let known: Vec<String> = sd_samplers::CATALOGUE.iter().map(|entry| sd_report::chapters::file(entry.name)).collect();
    for plot in std::fs::read_dir(plots).unwrap() {
        let name = plot.unwrap().file_name().into_string().unwrap();
        assert!(known.contains(&name) || name.starts_with("all-"), "delete docs/samplers/{name}");
    }
}
