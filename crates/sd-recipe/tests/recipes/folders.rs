//! Folders of images as people have them.

use std::fs;
use std::path::Path;

use crate::images::{image_folder, of_folder, write_image};
use crate::{AUTOENCODER, TEXT_TO_IMAGE, train};

/// Learns from a folder whose files `fill` makes: returns the words that became tokens, and the warnings.
fn learn(fill: impl FnOnce(&Path)) -> (impl Fn(&str) -> bool, String) {
    let folder = tempfile::tempdir().unwrap();
    train(folder.path(), AUTOENCODER, None).unwrap();
    fill(&image_folder(folder.path()));
    let text = of_folder(TEXT_TO_IMAGE).replace("count = 2\nsteps = 2", "count = 0");
    let warnings = train(folder.path(), &text, None).unwrap().join("\n");
    let words = fs::read_to_string(folder.path().join("model/model/tokenizer/vocab.json")).unwrap();
    (move |word: &str| words.contains(&format!("\"{word}</w>\"")), warnings)
}

fn write_images(folder: &Path, names: &[&str]) {
    for (i, name) in names.iter().enumerate() {
        fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
        write_image(&folder.join(name), 30 * i as u8);
    }
}

fn line(name: &str, text: &str) -> String {
    format!("{}\n", serde_json::json!({ "file_name": name, "text": text }))
}

/// Hugging Face's `imagefolder`.
#[test]
fn images_in_folders_within_are_found_with_the_lines_about_them() {
    let (is_word, warnings) = learn(|folder| {
        write_images(
            folder,
            &["a.png", "one/b.png", "one/c.png", "one/two/d.png", "three/e.png", "three/f.png", ".hidden/g.png"],
        );
        write_images(folder, &["__MACOSX/h.png"]);
        let outer = ["./a.png", "one/b.png", "one//two/./d.png", "one\\c.png", "three/e.png"];
        let words = ["alpha", "bravo", "delta", "charlie", "wrong"];
        let lines: String = outer.iter().zip(words).map(|(name, word)| line(name, word)).collect();
        fs::write(folder.join("metadata.jsonl"), lines).unwrap();
        fs::write(folder.join("three/metadata.jsonl"), line("e.png", "echo")).unwrap();
        fs::write(folder.join("three/f.txt"), "foxtrot").unwrap();
    });
    for word in ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot"] {
        assert!(is_word(word), "{word}");
    }
    // The nearest line counts.
    assert!(!is_word("wrong"));
    assert_eq!(warnings, "");
}

#[test]
fn a_line_about_an_image_that_is_not_there_is_reported() {
    let (_, warnings) = learn(|folder| {
        write_images(folder, &["a.png", "b.png"]);
        fs::write(folder.join("metadata.jsonl"), line("a.png", "x") + &line("b.PNG", "x") + &line("../c.png", "x"))
            .unwrap();
        fs::write(folder.join("b.txt"), "x").unwrap();
    });
    for words in ["line 2: there is no image \"b.PNG\"", "line 3: there is no image \"../c.png\""] {
        assert!(warnings.contains(words), "{words}: {warnings}");
    }
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_caption_and_loses_no_line() {
    let (is_word, warnings) = learn(|folder| {
        write_images(folder, &["a.png", "b.png"]);
        fs::write(folder.join("metadata.jsonl"), format!("\u{FEFF}{}", line("a.png", "lighthouse"))).unwrap();
        fs::write(folder.join("b.txt"), "\u{FEFF}mountain\r\n").unwrap();
    });
    assert!(is_word("lighthouse") && is_word("mountain") && !is_word("ï»¿"), "{warnings}");
    assert_eq!(warnings, "");
}

#[test]
fn captions_in_other_encodings_are_named() {
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let (_, warnings) = learn(|folder| {
        write_images(folder, &["a.png", "b.png", "c.png"]);
        fs::write(folder.join("a.txt"), "one").unwrap();
        fs::write(folder.join("b.txt"), wide("\u{FEFF}two")).unwrap();
        fs::write(folder.join("c.txt"), b"r\xF6d").unwrap();
    });
    for words in [
        "b.txt: UTF-16 or binary data instead of UTF-8 text: save it as UTF-8",
        "c.txt: not UTF-8 from byte 1 on: save it as UTF-8",
    ] {
        assert!(warnings.contains(words), "{words}: {warnings}");
    }
    let folder = tempfile::tempdir().unwrap();
    train(folder.path(), AUTOENCODER, None).unwrap();
    let images = image_folder(folder.path());
    write_images(&images, &["a.png"]);
    fs::write(images.join("metadata.jsonl"), wide("\u{FEFF}{}")).unwrap();
    let error = train(folder.path(), &of_folder(TEXT_TO_IMAGE), None).unwrap_err();
    assert!(error.is_usage() && error.to_string().contains("metadata.jsonl: UTF-16"), "{error}");
}

#[test]
fn truncated_images_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let images = image_folder(folder.path());
    write_images(&images, &["a.png", "b.png"]);
    let jpeg = include_bytes!("../../../sd-image/tests/golden/image_files/files/exif-3.jpg");
    fs::write(images.join("c.jpg"), &jpeg[..600]).unwrap();
    let warnings = train(folder.path(), &of_folder(AUTOENCODER), None).unwrap();
    assert!(warnings[0].ends_with("c.jpg is left out: the image is truncated"), "{warnings:?}");
}

/// The sheets of samples are images too.
#[test]
fn a_training_does_not_learn_from_its_own_samples() {
    for output in ["OUT/images/autoencoder", "OUT/images"] {
        let folder = tempfile::tempdir().unwrap();
        let images = image_folder(folder.path());
        write_images(&images, &["a.png", "b.png"]);
        let text = of_folder(AUTOENCODER).replace("OUT/autoencoder", output);
        for _ in 0..2 {
            // Other images would be reported.
            assert_eq!(train(folder.path(), &text, None).unwrap(), [""; 0]);
        }
    }
}

#[cfg(unix)]
#[test]
fn links_in_a_circle_are_followed_once() {
    let folder = tempfile::tempdir().unwrap();
    let images = image_folder(folder.path());
    write_images(&folder.path().join("elsewhere"), &["a.png", "b.png"]);
    std::os::unix::fs::symlink(folder.path().join("elsewhere"), images.join("linked")).unwrap();
    std::os::unix::fs::symlink(&images, folder.path().join("elsewhere/back")).unwrap();
    assert_eq!(train(folder.path(), &of_folder(AUTOENCODER), None).unwrap(), [""; 0]);
}
