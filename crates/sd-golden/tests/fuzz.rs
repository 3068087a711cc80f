//! The fuzz targets' corpora and past findings: none may cause a panic.

use std::fs;
use std::path::Path;

#[path = "../fuzz/readers.rs"]
mod readers;

/// A reader of one kind of file.
type Reader = fn(&[u8]);

#[test]
fn the_corpora_are_read_or_refused() {
    let readers: [(&str, Reader); 6] = [
        ("config", readers::config),
        ("file", readers::file),
        ("header", readers::header),
        ("index", readers::index),
        ("pickle", readers::pickle),
        ("tokenizer", readers::tokenizer),
    ];
    for (name, read) in readers {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
        let files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(!files.is_empty(), "{name}");
        for file in files {
            let bytes = fs::read(&file).unwrap();
            assert!(std::panic::catch_unwind(|| read(&bytes)).is_ok(), "{}", file.display());
        }
    }
}
