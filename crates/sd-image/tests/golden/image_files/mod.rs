//! Reads image files as Pillow does; `make.py` made the files.

use std::collections::BTreeMap;
use std::path::Path;

use sd_image::Image;

/// The files, each with the smallest number of bytes that Pillow can read.
fn files() -> BTreeMap<String, usize> {
    serde_json::from_str(include_str!("files/readable_from.json")).unwrap()
}

fn path(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/image_files/files").join(name)
}

#[test]
fn images_are_turned_and_converted_as_pillow_does() {
    for name in files().keys() {
        let [found, wanted] = [name, &format!("{name}.want.png")].map(|name| Image::read(path(name)).unwrap());
        assert_eq!((found.width, found.height), (wanted.width, wanted.height), "{name}");
        let differences = found.rgb.iter().zip(&wanted.rgb).map(|(a, b)| a.abs_diff(*b));
        // Decoders of lossy images round differently.
        let is_lossy = name.ends_with(".jpg") || name == "lossy.webp";
        let largest = differences.max().unwrap();
        assert!(largest <= if is_lossy { 3 } else { 0 }, "{name}: {largest}");
    }
}

#[test]
fn truncated_files_are_refused_where_pillow_refuses_them() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cut");
    for (name, readable_from) in files() {
        let bytes = std::fs::read(path(&name)).unwrap();
        let can_be_read = |length: usize| {
            std::fs::write(&file, &bytes[..length]).unwrap();
            Image::read(&file).is_ok()
        };
        for length in (0..readable_from).filter(|length| length % 7 == 0 || readable_from - length < 20) {
            assert!(!can_be_read(length), "{name} of {length} bytes");
        }
        assert!(can_be_read(bytes.len()), "{name}");
    }
}

#[test]
fn errors_in_a_file_are_reported_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.png");
    let error = |bytes: &[u8]| {
        std::fs::write(&file, bytes).unwrap();
        Image::read(&file).unwrap_err().to_string()
    };
    let jpeg = std::fs::read(path("exif-3.jpg")).unwrap();
    assert!(error(&jpeg[..jpeg.len() / 2]).ends_with("a.png: the image is truncated"));
    assert!(error(b"a red house").ends_with("a.png: it is not a PNG, JPEG or WebP image"));
    assert!(error(b"GIF89a").contains("Gif"));
    // 65535 by 65535 pixels.
    let mut large = std::fs::read(path("none.png")).unwrap();
    large[16..24].copy_from_slice(&[0, 0, 255, 255, 0, 0, 255, 255]);
    assert!(!error(&large).contains('\n'));
}
