use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use sd_image::Image;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::api_error::ApiError;
use crate::blocking::blocking;
use crate::options::Limits;
use crate::state::App;

/// Base64 whose padding may be missing.
const BASE64: GeneralPurpose = {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(&STANDARD, config)
};

/// The pixels of all images of a request, as a multiple of those of one.
const IMAGES: usize = 4;
/// The shortest text that may be an image.
const SHORTEST: usize = 32;

/// A request's body as JSON, whatever its type says. An empty body is an empty object.
///
/// Images in it are measured before anything decodes them.
pub(crate) struct JsonBody<T>(pub T);

impl<T: DeserializeOwned + Send + 'static> FromRequest<App> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let bytes = Bytes::from_request(request, app).await.map_err(|error| {
            let status = error.status();
            let code = if status == StatusCode::PAYLOAD_TOO_LARGE { "too_large" } else { "invalid_request" };
            ApiError::new(status, code, error.body_text())
        })?;
        let limits = app.options.limits.clone();
        blocking(move || parse(&bytes, &limits)).await?.map(Self)
    }
}

/// Reads JSON of which no image is larger than the limits allow.
///
/// # Errors
///
/// If it is none, if it does not fit `T`, and if an image is too large.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8], limits: &Limits) -> Result<T, ApiError> {
    let wrong = |error: serde_json::Error| ApiError::wrong(format!("the body: {error}").replace('\n', " "));
    let bytes = if bytes.iter().all(u8::is_ascii_whitespace) { b"{}" } else { bytes };
    let value: Value = serde_json::from_slice(bytes).map_err(wrong)?;
    let mut room = limits.pixels.saturating_mul(IMAGES);
    measure(&value, limits, &mut room)?;
    serde_json::from_value(value).map_err(wrong)
}

/// Measures the images in a value.
fn measure(value: &Value, limits: &Limits, room: &mut usize) -> Result<(), ApiError> {
    match value {
        Value::String(text) if text.len() >= SHORTEST => {
            // Other texts are left to whoever reads the field.
            let Ok(bytes) = base64_bytes(text) else { return Ok(()) };
            let Ok((width, height)) = Image::dimensions(&bytes) else { return Ok(()) };
            check_pixels(width, height, limits)?;
            *room = room.checked_sub(width.saturating_mul(height)).ok_or_else(|| {
                ApiError::too_large(format!(
                    "the images: they have more than {} pixels together",
                    limits.pixels * IMAGES
                ))
            })?;
            Ok(())
        }
        Value::Array(values) => values.iter().try_for_each(|value| measure(value, limits, room)),
        Value::Object(fields) => fields.values().try_for_each(|value| measure(value, limits, room)),
        _ => Ok(()),
    }
}

/// The bytes of base64, with or without the start of a data URL. As in Python, lines may be broken, and the end may lack its padding.
///
/// # Errors
///
/// If it is no base64; and other URLs, which are not fetched.
pub(crate) fn base64_bytes(text: &str) -> Result<Vec<u8>, ApiError> {
    let text = text.trim();
    if text.starts_with("http://") || text.starts_with("https://") {
        return Err(ApiError::wrong(
            "an image: URLs are not fetched: send the image itself, in base64 or as a data URL",
        ));
    }
    let data = match text.strip_prefix("data:").and_then(|url| url.split_once(";base64,")) {
        Some((_, data)) => data,
        None => text,
    };
    let decoded = match data.bytes().any(|byte| byte.is_ascii_whitespace()) {
        true => BASE64.decode(data.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect::<Vec<_>>()),
        false => BASE64.decode(data),
    };
    decoded.map_err(|error| ApiError::wrong(format!("an image in base64 is needed: {error}")))
}

fn check_pixels(width: usize, height: usize, limits: &Limits) -> Result<(), ApiError> {
    if width.saturating_mul(height) <= limits.pixels {
        return Ok(());
    }
    let most = limits.pixels;
    Err(ApiError::too_large(format!(
        "an image: {width}×{height} pixels, and this server reads at most {most}: scale it down"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read_as_programs_write_it() {
        for text in ["aGFsbG8=", "aGFsbG8", " aGFs\nbG8=\n", "data:image/png;base64,aGFsbG8="] {
            assert_eq!(base64_bytes(text).unwrap(), b"hallo", "{text:?}");
        }
        for text in ["*", "https://example.org/a.png", "data:image/png,hallo"] {
            assert!(base64_bytes(text).is_err(), "{text:?}");
        }
    }
}
