//! Texts in image files, written and read.

use sd_image::{Format, Image, ImageError, Texts};

const FORMATS: [Format; 3] = [Format::Png, Format::JPEG, Format::WebP];

fn noise(width: usize, height: usize) -> Image {
    let noise = |i: usize| ((i + 1).wrapping_mul(0x9E37_79B9) >> 13) as u8;
    Image { width, height, rgb: (0..3 * width * height).map(noise).collect() }
}

fn pairs(bytes: &[u8]) -> Vec<(String, String)> {
    Texts::read(bytes).iter().map(|(keyword, text)| (keyword.to_string(), text.to_string())).collect()
}

#[test]
fn every_format_keeps_both_texts() {
    let record = r#"{"prompt":"ein Häuschen 光 😀","steps":20}"#;
    for parameters in ["a house\nSteps: 20", "ein Häuschen, \"rot\"", "光の家 😀\u{10FFFF}", "ÿþ", ""] {
        for format in FORMATS {
            let bytes = noise(9, 7).encode(format, &[("parameters", parameters), ("sd-burn", record)]).unwrap();
            let texts = Texts::read(&bytes);
            assert_eq!(texts.get("parameters"), Some(parameters), "{format:?}");
            assert_eq!(texts.get("sd-burn"), Some(record), "{format:?}");
            assert_eq!(texts.iter().count(), 2, "{format:?}");
        }
    }
}

#[test]
fn an_image_without_texts_has_none() {
    for format in FORMATS {
        let bytes = noise(9, 7).encode(format, &[]).unwrap();
        assert!(pairs(&bytes).is_empty());
        assert!(!bytes.windows(4).any(|part| part == b"Exif" || part == b"EXIF"), "{format:?}");
    }
}

#[test]
fn png_and_webp_keep_every_pixel() {
    for (width, height) in [(1, 1), (33, 17), (200, 3)] {
        let image = noise(width, height);
        for format in [Format::Png, Format::WebP] {
            let bytes = image.encode(format, &[("parameters", "a house")]).unwrap();
            assert_eq!(Image::decode(&bytes).unwrap(), image, "{format:?}");
        }
    }
}

#[test]
fn a_better_jpeg_is_closer() {
    let image = noise(64, 64).resize(128, 128, sd_image::Filter::Lanczos);
    let error = |quality| {
        let bytes = image.encode(Format::Jpeg { quality }, &[]).unwrap();
        let drawn = Image::decode(&bytes).unwrap();
        assert_eq!((drawn.width, drawn.height), (128, 128));
        image.rgb.iter().zip(&drawn.rgb).map(|(a, b)| u64::from(a.abs_diff(*b))).sum::<u64>()
    };
    assert!(error(100) < error(80) && error(80) < error(10));
}

#[test]
fn of_texts_that_do_not_fit_into_a_jpeg_the_last_are_left_out() {
    let long = format!("{{\"text\":\"{}\"}}", "x".repeat(70_000));
    for (texts, kept) in [
        ([("parameters", "short"), ("sd-burn", long.as_str())], &["short"][..]),
        ([("parameters", long.as_str()), ("sd-burn", "{}")], &[]),
    ] {
        let bytes = noise(8, 8).encode(Format::JPEG, &texts).unwrap();
        let found: Vec<_> = pairs(&bytes).into_iter().map(|(_, text)| text).collect();
        assert_eq!(found, kept);
        assert!(Image::decode(&bytes).is_ok());
        let bytes = noise(8, 8).encode(Format::WebP, &texts).unwrap();
        assert_eq!(pairs(&bytes).len(), 2);
    }
}

#[test]
fn a_format_refuses_what_it_cannot_hold() {
    let flat = |width| Image { width, height: 1, rgb: vec![0; 3 * width] };
    assert!(matches!(flat(16_385).encode(Format::WebP, &[]), Err(ImageError::Encoding(_))));
    assert!(matches!(flat(65_536).encode(Format::JPEG, &[]), Err(ImageError::Encoding(_))));
    assert!(matches!(flat(1).encode(Format::Png, &[("", "text")]), Err(ImageError::Encoding(_))));
}

#[test]
fn the_extension_names_the_format() {
    let folder = tempfile::tempdir().unwrap();
    for (name, format) in [("a.png", "PNG"), ("b.JPG", "JFIF"), ("c.jpeg", "JFIF"), ("d.webp", "WEBP")] {
        let file = folder.path().join(name);
        noise(8, 8).save(&file).unwrap();
        let bytes = std::fs::read(&file).unwrap();
        assert!(bytes[..16].windows(format.len()).any(|part| part == format.as_bytes()), "{name}");
    }
    for name in ["e.gif", "f"] {
        let error = noise(8, 8).save(folder.path().join(name)).unwrap_err().to_string();
        assert!(error.ends_with("use a name that ends in .png, .jpg or .webp"), "{error}");
        assert!(!folder.path().join(name).exists());
    }
}

#[cfg(unix)]
#[test]
fn a_device_gets_a_png() {
    noise(8, 8).save("/dev/null").unwrap();
    assert_eq!(Format::from_path("/dev/null").unwrap(), Format::Png);
}

#[test]
fn damaged_files_keep_what_can_be_read_and_never_panic() {
    for format in FORMATS {
        let texts = [("parameters", "a house by the sea"), ("sd-burn", r#"{"steps":20}"#)];
        let whole = noise(5, 4).encode(format, &texts).unwrap();
        for end in 0..whole.len() {
            Texts::read(&whole[..end]);
        }
        let mut state = 1u32;
        for _ in 0..20_000 {
            let mut bytes = whole.clone();
            for _ in 0..3 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let at = (state >> 8) as usize % bytes.len();
                bytes[at] = state as u8;
            }
            Texts::read(&bytes);
        }
    }
}

#[test]
fn a_compressed_text_that_would_fill_the_memory_is_not_read() {
    let mut data = b"parameters\0\0".to_vec();
    let mut encoder = flate2::write::ZlibEncoder::new(&mut data, flate2::Compression::best());
    std::io::copy(&mut std::io::Read::take(std::io::repeat(b'x'), 65 << 20), &mut encoder).unwrap();
    encoder.finish().unwrap();
    let mut bytes = b"\x89PNG\r\n\x1A\n".to_vec();
    bytes.extend((data.len() as u32).to_be_bytes());
    bytes.extend(b"zTXt");
    bytes.extend(data);
    bytes.extend([0; 4]);
    assert!(pairs(&bytes).is_empty());
}

#[test]
fn other_bytes_have_no_texts() {
    for bytes in [&b""[..], b"GIF89a", b"\x89PNG\r\n\x1A\n", b"\xFF\xD8", b"RIFF\0\0\0\0WEBP", b"a house"] {
        assert!(pairs(bytes).is_empty());
    }
}
