use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use sd_image::{Format, Image, Texts};
use serde::Deserialize;

use crate::api_error::ApiError;
use crate::blocking::blocking;
use crate::id::{ImageId, JobId};
use crate::path::{Path, Query};
use crate::state::App;

/// How a file is sent.
#[derive(Deserialize)]
pub struct As {
    #[serde(default)]
    format: FileFormat,
    /// Of JPEG, from 1 to 100.
    #[serde(default = "quality")]
    quality: u8,
    #[serde(default = "with_metadata")]
    metadata: bool,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "lowercase")]
enum FileFormat {
    #[default]
    Png,
    Jpeg,
    WebP,
}

/// `GET /v1/jobs/{id}/images/{index}`: the file of a finished image.
pub async fn image(
    State(app): State<App>,
    Path((job, index)): Path<(JobId, u64)>,
    Query(wanted): Query<As>,
) -> Result<Response, ApiError> {
    let id = ImageId { job, index };
    let (format, bytes) = blocking(move || {
        let not_there = || ApiError::not_found("there is no such image: it may not be finished, or have been removed");
        let png = app.store.png(&id)?.ok_or_else(not_there)?;
        wanted.encode(png)
    })
    .await??;
    // An image never changes under its name, and is its owner's alone.
    let headers =
        [(header::CONTENT_TYPE, format.media_type()), (header::CACHE_CONTROL, "private, max-age=31536000, immutable")];
    Ok((headers, bytes).into_response())
}

impl As {
    fn encode(self, png: Vec<u8>) -> Result<(Format, Vec<u8>), ApiError> {
        let format = match self.format {
            FileFormat::Png => Format::Png,
            FileFormat::Jpeg => Format::Jpeg { quality: self.quality.clamp(1, 100) },
            FileFormat::WebP => Format::WebP,
        };
        Ok((format, converted(png, format, self.metadata)?))
    }
}

/// A stored file in another format, with its texts or without.
pub(crate) fn converted(png: Vec<u8>, format: Format, metadata: bool) -> Result<Vec<u8>, ApiError> {
    if format == Format::Png && metadata {
        return Ok(png);
    }
    let failed = |error: sd_image::ImageError| ApiError::internal(error.to_string());
    let texts = if metadata { Texts::read(&png) } else { Texts::default() };
    let texts: Vec<(&str, &str)> = texts.iter().collect();
    Image::decode(&png).map_err(failed)?.encode(format, &texts).map_err(failed)
}

fn quality() -> u8 {
    90
}

fn with_metadata() -> bool {
    true
}
