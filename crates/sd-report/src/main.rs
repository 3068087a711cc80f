//! Writes the report into the repository's `docs`.

#![allow(clippy::print_stdout, reason = "it says what it wrote")]

use std::path::Path;

fn main() -> std::io::Result<()> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    std::fs::create_dir_all(docs.join("samplers"))?;
    let files = sd_report::report();
    for file in &files {
        std::fs::write(docs.join(&file.path), &file.text)?;
    }
    println!("docs/samplers.md and {} plots are written", files.len() - 1);
    Ok(())
}
