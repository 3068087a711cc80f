//! Writes the report into the repository's `docs`.

#![allow(clippy::print_stdout, reason = "the program reports what it wrote")]

use std::path::Path;

fn main() -> std::io::Result<()> {
    if std::env::args().any(|flag| flag == "--tune") {
        let text = Path::new(env!("CARGO_MANIFEST_DIR")).join("text/tuned.json");
        std::fs::write(&text, sd_report::tuned::search())?;
        println!("wrote {}; now run it again without --tune", text.display());
        return Ok(());
    }
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    std::fs::create_dir_all(docs.join("samplers"))?;
    let files = sd_report::report();
    for file in &files {
        std::fs::write(docs.join(&file.path), &file.text)?;
    }
    println!("wrote docs/samplers.md and {} plots", files.len() - 1);
    Ok(())
}
