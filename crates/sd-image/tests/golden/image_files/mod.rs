//! Reads image files as Pillow does; `make.py` made the files.

use std::collections::BTreeMap;
use std::path::Path;

use sd_image::{Image, Mask};

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
        let is_lossy = name.ends_with(".jpg") || name.ends_with("lossy.webp");
        let largest = differences.max().unwrap();
        assert!(largest <= if is_lossy { 3 } else { 0 }, "{name}: {largest}");
    }
}

#[test]
fn what_is_transparent_is_a_mask() {
    let mut masks = 0;
    for name in files().keys() {
        let (image, mask) = Image::read_with_alpha(path(name)).unwrap();
        assert_eq!(image, Image::read(path(name)).unwrap(), "{name}");
        let alpha = path(&format!("{name}.alpha.png"));
        assert_eq!(mask.is_some(), alpha.exists(), "{name}");
        if let Some(mask) = mask {
            assert_eq!(mask.invert(), Mask::read(alpha).unwrap(), "{name}");
            masks += 1;
        }
    }
    assert!(masks >= 8, "{masks}");
}

#[test]
fn colours_become_a_mask_by_their_luma() {
    let [mask, luma] = ["none.png", "luma.png"].map(|name| Mask::read(path(name)).unwrap());
    assert_eq!(mask, luma);
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
    assert!(error(b"GIF89a").ends_with("a.png: it is a Gif image, expected PNG, JPEG or WebP: convert it"));
    assert_eq!(Image::decode(b"a red house").unwrap_err().to_string(), "it is not a PNG, JPEG or WebP image");
}

/// Only the numbers in the headers are large: decoding these files would fail or take gigabytes.
#[test]
fn enormous_images_are_refused_before_they_are_decoded() {
    let changed = |name: &str, at: usize, size: &[u8]| {
        let mut bytes = std::fs::read(path(name)).unwrap();
        bytes[at..at + size.len()].copy_from_slice(size);
        // The checksum of a PNG's header.
        if let Some(header) = bytes.get(12..29).filter(|header| header.starts_with(b"IHDR")) {
            let sum = crc(header);
            bytes[29..33].copy_from_slice(&sum.to_be_bytes());
        }
        Image::decode(&bytes).unwrap_err().to_string()
    };
    let jpeg = std::fs::read(path("exif-3.jpg")).unwrap();
    let frame = jpeg.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    let progressive = std::fs::read(path("progressive.jpg")).unwrap();
    let scan = progressive.windows(2).position(|pair| pair == [0xFF, 0xC2]).unwrap();
    let largest = [0x7F, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF];
    for (name, at, size, wanted) in [
        ("none.png", 16, &[0, 0, 255, 255, 0, 0, 255, 255][..], "65535×65535 pixels, which are 12287 MiB"),
        ("deep-rgba.png", 16, &[0, 0, 64, 0, 0, 0, 64, 0][..], "16384×16384 pixels, which are 2048 MiB"),
        ("none.png", 16, &largest[..], "it is larger than 512 MiB when decoded"),
        ("exif-3.jpg", frame + 5, &[0xFF, 0xDC, 0xFF, 0xDC][..], "65500×65500 pixels, which are 12274 MiB"),
        ("progressive.jpg", scan + 5, &[0xFF, 0xDC, 0xFF, 0xDC][..], "65500×65500 pixels, which are 12274 MiB"),
        ("animated.webp", 24, &[0xFE, 0xFF, 0, 0xFE, 0xFF, 0][..], "65535×65535 pixels, which are 1"),
    ] {
        let found = changed(name, at, size);
        assert!(found.contains(wanted) && found.ends_with(": scale it down"), "{name}: {found}");
    }
}

/// The checksum of PNG chunks (CRC-32).
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xEDB8_8320 } else { sum >> 1 })
    })
}
