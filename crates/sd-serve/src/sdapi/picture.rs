//! Images in JSON, with AUTOMATIC1111's rules for what is transparent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sd_image::{Format, Image, Mask};

use super::SdapiError;
use crate::api_error::ApiError;
use crate::body::base64_bytes;

/// Reads an image. Where it is transparent it becomes white.
///
/// # Errors
///
/// Texts that are no base64, addresses, and files that are no images.
pub(super) fn image(text: &str) -> Result<Image, SdapiError> {
    let (image, transparent) = decode(text)?;
    let Some(mask) = transparent else { return Ok(image) };
    let white = Image { width: image.width, height: image.height, rgb: vec![255; image.rgb.len()] };
    Ok(image.composite(&white, &mask))
}

/// Reads a mask: the opacity of an image that is transparent anywhere, else its brightness. White is drawn anew.
///
/// # Errors
///
/// As [`image`].
pub(super) fn mask(text: &str) -> Result<Mask, SdapiError> {
    let (image, transparent) = decode(text)?;
    Ok(match transparent {
        // An opacity of 128 counts as transparent.
        Some(mask) => {
            let values = mask.values.iter().map(|value| if 255 - value > 128 { 255 } else { 0 }).collect();
            Mask { values, ..mask }
        }
        None => Mask::from_luma(&image),
    })
}

/// Reads an image, and how transparent it is if it is that anywhere.
fn decode(text: &str) -> Result<(Image, Option<Mask>), SdapiError> {
    let invalid =
        |reason: &dyn std::fmt::Display| SdapiError::unprocessable(format!("Invalid encoded image: {reason}"));
    let bytes = base64_bytes(text).map_err(|error| invalid(&error.message))?;
    let (image, transparent) = Image::decode_with_alpha(&bytes).map_err(|error| invalid(&error.reason()))?;
    Ok((image, transparent.filter(|mask| mask.values.iter().any(|value| *value != 0))))
}

/// Writes bytes as base64.
pub(super) fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Writes an image as a PNG file in base64, with texts beside it.
pub(super) fn png_base64(image: &Image, texts: &[(&str, &str)]) -> Result<String, SdapiError> {
    let bytes = image.encode(Format::Png, texts).map_err(|error| ApiError::internal(error.to_string()))?;
    Ok(to_base64(&bytes))
}
