use std::fs;
use std::path::Path;

use sd_pipeline::Image;

use crate::{AUTOENCODER, TEXT_TO_IMAGE, train};

/// An image of one colour, 24 wide and 20 high.
pub fn write_image(file: &Path, red: u8) {
    Image { width: 24, height: 20, rgb: [red, 0, 0].repeat(24 * 20) }.save(file).unwrap();
}

/// `text` with the images of a folder instead of scenes.
pub fn of_folder(text: &str) -> String {
    text.replace("scenes = 6", "folder = \"OUT/images\"")
}

pub fn image_folder(folder: &Path) -> std::path::PathBuf {
    let images = folder.join("images");
    fs::create_dir(&images).unwrap();
    images
}

#[test]
fn images_and_captions_of_a_folder_are_trained_on_and_bad_ones_named() {
    let folder = tempfile::tempdir().unwrap();
    let images = image_folder(folder.path());
    for (i, name) in ["a.png", "b.png", "c.png", "d.PNG", "e.png"].iter().enumerate() {
        write_image(&images.join(name), 40 * i as u8);
    }
    fs::write(images.join("notes.md"), "not an image").unwrap();
    fs::write(images.join("broken.jpg"), "not an image either").unwrap();
    let lines = "{\"file_name\": \"a.png\", \"text\": \"dark\", \"author\": \"me\"}\n\n{\"file_name\": 5}\n\
                 {\"file_name\": \"broken.jpg\", \"text\": \"broken\"}\n";
    fs::write(images.join("metadata.jsonl"), lines).unwrap();
    for (name, caption) in [("b", "less dark\n"), ("c", "red"), ("d", "bright red")] {
        fs::write(images.join(format!("{name}.txt")), caption).unwrap();
    }
    train(folder.path(), AUTOENCODER, None).unwrap();
    let warnings = train(folder.path(), &of_folder(TEXT_TO_IMAGE), None).unwrap().join("\n");
    for expected in [
        "broken.jpg is left out: ",
        "e.png is left out: no caption",
        "metadata.jsonl is left out: line 3",
        "3 were left out, 4 images are used",
    ] {
        assert!(warnings.contains(expected), "{expected}: {warnings}");
    }
    let words = fs::read_to_string(folder.path().join("model/model/tokenizer/vocab.json")).unwrap();
    assert!(words.contains("\"bright</w>\"") && words.contains("\"less</w>\""));
}

#[test]
fn an_autoencoder_needs_no_captions() {
    let folder = tempfile::tempdir().unwrap();
    let images = image_folder(folder.path());
    (0..4).for_each(|i| write_image(&images.join(format!("{i}.png")), 60 * i));
    assert_eq!(train(folder.path(), &of_folder(AUTOENCODER), None).unwrap(), [""; 0]);
}

#[test]
fn folders_without_a_usable_image_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let error = |text: &str| train(folder.path(), text, None).unwrap_err().to_string();
    let text = of_folder(AUTOENCODER);
    assert!(error(&text).contains("images: No such file"), "{}", error(&text));
    let images = image_folder(folder.path());
    assert!(error(&text).contains("no images in it: looked for .png"), "{}", error(&text));
    fs::write(images.join("empty.png"), "").unwrap();
    assert!(error(&text).contains("none of its images can be used"), "{}", error(&text));
}
