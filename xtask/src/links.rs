//! Tests that every link in the project's documents leads to a file.

use std::path::{Path, PathBuf};

use crate::cargo::root;

/// All Markdown documents.
fn documents() -> Vec<PathBuf> {
    let in_folder = |folder: PathBuf| {
        let entries = std::fs::read_dir(&folder).expect("a folder of the project");
        entries.flatten().map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let readmes = in_folder(root().join("crates")).into_iter().map(|folder| folder.join("README.md"));
    let others = [root().to_path_buf(), root().join("docs")].into_iter().flat_map(in_folder);
    readmes.chain(others.filter(|path| path.extension().is_some_and(|extension| extension == "md"))).collect()
}

/// The targets of links and images in a Markdown text.
fn targets(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target)
}

/// Whether a link leads to a website, a heading, or a file of the project.
fn leads_somewhere(document: &Path, target: &str) -> bool {
    let file = target.split('#').next().unwrap_or_default();
    target.contains("://") || file.is_empty() || document.with_file_name(file).exists()
}

#[test]
fn every_link_of_the_documents_leads_somewhere() {
    let mut dead = Vec::new();
    for document in documents() {
        let text = std::fs::read_to_string(&document).unwrap_or_else(|e| panic!("{}: {e}", document.display()));
        let found = targets(&text).filter(|target| !leads_somewhere(&document, target));
        dead.extend(found.map(|target| format!("{}: {target}", document.display())));
    }
    assert!(dead.is_empty(), "{}", dead.join("\n"));
}

#[test]
fn links_are_found_in_text_and_images() {
    let text = "see [a](docs/a.md#x) and ![b](b.png), not (c)";
    assert_eq!(targets(text).collect::<Vec<_>>(), ["docs/a.md#x", "b.png"]);
    let document = root().join("README.md");
    assert!(leads_somewhere(&document, "docs/architecture.md#code-map"));
    assert!(!leads_somewhere(&document, "docs/nothing.md"));
}
