use axum::body::Bytes;
use sd_image::{Image, ImageError, Mask};
use serde_json::Value;

use super::fields::{Fields, wrong};
use crate::api_error::ApiError;
use crate::body::base64_bytes;

/// The one image of a request, with a mask of its transparency, if it has any.
///
/// A form has it as the file `image` or `image[]`; JSON as `image`, or as the only one of `images`.
pub fn image(fields: &Fields, most: usize) -> Result<(Image, Option<Mask>), ApiError> {
    let mut files: Vec<Bytes> = fields.files("image").cloned().collect();
    for name in ["image", "image[]", "images"] {
        match fields.value(name) {
            Some(Value::Array(images)) => {
                for image in images.iter().take(2) {
                    files.push(bytes("image", image)?);
                }
            }
            Some(image) => files.push(bytes("image", image)?),
            None => {}
        }
    }
    match files.as_slice() {
        [file] => decoded("image", file, most),
        [] => Err(wrong("image", "`image` is missing: a PNG, JPEG or WebP file is needed")),
        _ => Err(wrong("image", "`image`: expected one image, found more: send the one that is to be changed")),
    }
}

/// The mask of a request, if it has one: 255 where the file is transparent, which is where the image is drawn anew.
pub fn mask(fields: &Fields, most: usize) -> Result<Option<Mask>, ApiError> {
    let file = match (fields.files("mask").next(), fields.value("mask")) {
        (Some(file), _) => file.clone(),
        (None, Some(value)) => bytes("mask", value)?,
        (None, None) => return Ok(None),
    };
    let (_, mask) = decoded("mask", &file, most)?;
    let expected =
        "`mask` has no alpha channel: expected an image that is transparent where something new is to be drawn";
    mask.map(Some).ok_or_else(|| wrong("mask", expected))
}

/// Decodes a file, if it has at most `most` pixels.
fn decoded(field: &str, file: &[u8], most: usize) -> Result<(Image, Option<Mask>), ApiError> {
    let refused = |error: ImageError| wrong(field, format!("`{field}`: {}", error.reason()));
    let (width, height) = Image::dimensions(file).map_err(refused)?;
    if width.saturating_mul(height) > most {
        let message = format!("`{field}` has {width}×{height} pixels, expected at most {most} in all: scale it down");
        return Err(ApiError::too_large(message).of_field(field));
    }
    Image::decode_with_alpha(file).map_err(refused)
}

/// The bytes of an image in JSON: a data URL or base64, perhaps in an object. Nothing is fetched.
fn bytes(field: &str, value: &Value) -> Result<Bytes, ApiError> {
    let inner = ["image_url", "url", "b64_json"].into_iter().find_map(|key| value.get(key));
    match inner.unwrap_or(value).as_str() {
        Some(text) => base64_bytes(text).map(Bytes::from).map_err(|error| error.of_field(field)),
        None => Err(wrong(field, format!("`{field}`: expected a data URL as in \"data:image/png;base64,…\""))),
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::super::fixtures::{form, json, png, rgba};
    use super::*;

    const MOST: usize = 64;

    #[test]
    fn an_image_is_a_file_of_a_form_or_a_data_url() {
        let expected = (Image { width: 1, height: 2, rgb: vec![9, 8, 7, 6, 5, 4] }, None);
        let file = png(1, 2, &[9, 8, 7, 6, 5, 4]);
        for name in ["image", "image[]", "image[0]"] {
            assert_eq!(image(&form(&[], &[(name, &file)]), MOST).unwrap(), expected);
        }
        let url = format!("data:image/png;base64,{}", STANDARD.encode(&file));
        for text in [
            format!(r#"{{ "image": "{url}" }}"#),
            format!(r#"{{ "image": "{}" }}"#, STANDARD.encode(&file)),
            format!(r#"{{ "image": ["{url}"] }}"#),
            format!(r#"{{ "image[]": ["{url}"] }}"#),
            format!(r#"{{ "images": [{{ "image_url": "{url}" }}] }}"#),
        ] {
            assert_eq!(image(&json(&text), MOST).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn exactly_one_image_is_changed() {
        let file = png(1, 1, &[0; 3]);
        let message = |fields: Fields| image(&fields, MOST).unwrap_err();
        assert!(message(form(&[], &[("image[]", &file), ("image[]", &file)])).message.contains("expected one image"));
        let none = message(form(&[("prompt", "a house")], &[]));
        assert!(none.message.contains("missing"));
        assert_eq!((none.status.as_u16(), none.field.as_deref()), (400, Some("image")));
    }

    #[test]
    fn what_is_transparent_is_drawn_anew() {
        let file = rgba(2, 1, &[1, 2, 3, 255, 0, 0, 0, 0]);
        let expected = Mask { width: 2, height: 1, values: vec![0, 255] };
        assert_eq!(mask(&form(&[], &[("mask", &file)]), MOST).unwrap(), Some(expected.clone()));
        assert_eq!(image(&form(&[], &[("image", &file)]), MOST).unwrap().1, Some(expected));
        assert_eq!(mask(&form(&[], &[]), MOST).unwrap(), None);
    }

    #[test]
    fn a_mask_without_transparency_says_nothing() {
        let error = mask(&form(&[], &[("mask", &png(1, 1, &[255; 3]))]), MOST).unwrap_err();
        assert!(error.message.contains("alpha"), "{}", error.message);
        assert_eq!(error.field.as_deref(), Some("mask"));
    }

    #[test]
    fn images_elsewhere_are_not_fetched() {
        for url in ["http://127.0.0.1:1/a.png", "https://example.org/a.png", "file:///etc/passwd"] {
            let fields = json(&format!(r#"{{ "images": [{{ "image_url": "{url}" }}] }}"#));
            let error = image(&fields, MOST).unwrap_err();
            assert_eq!((error.status.as_u16(), error.field.as_deref()), (400, Some("image")), "{url}");
        }
    }

    #[test]
    fn a_small_file_with_many_pixels_is_refused_by_its_header() {
        let header = &png(20_000, 20_000, &[])[..60];
        let error = image(&form(&[], &[("image", header)]), MOST).unwrap_err();
        assert_eq!(error.status, 413);
        assert!(error.message.contains("20000×20000"), "{}", error.message);
    }

    #[test]
    fn files_that_are_no_images_are_refused() {
        let good = png(4, 4, &[5; 48]);
        for file in [&b""[..], b"GIF89a", b"hello", &good[..good.len() - 20]] {
            let mut fields = form(&[], &[]);
            fields.add_file("image".into(), Bytes::copy_from_slice(file));
            assert_eq!(image(&fields, MOST).unwrap_err().status, 400);
        }
    }
}
