use axum::extract::multipart::MultipartError;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{StatusCode, header};

use super::fields::Fields;
use crate::api_error::ApiError;
use crate::body::JsonBody;
use crate::state::App;

/// Reads the body of a request: a form if it says so, else JSON.
pub async fn fields(app: &App, request: Request) -> Result<Fields, ApiError> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.to_ascii_lowercase().starts_with("multipart/form-data") {
        let form = Multipart::from_request(request, app).await;
        return read(form.map_err(|error| ApiError::wrong(error.body_text()))?).await;
    }
    let JsonBody(values) = JsonBody::from_request(request, app).await?;
    Ok(Fields::new(values))
}

async fn read(mut form: Multipart) -> Result<Fields, ApiError> {
    let mut fields = Fields::default();
    while let Some(part) = form.next_field().await.map_err(failed)? {
        let Some(name) = part.name().map(str::to_string) else { continue };
        let is_file = part.file_name().is_some();
        let bytes = part.bytes().await.map_err(failed)?;
        match std::str::from_utf8(&bytes) {
            Ok(text) if !is_file => fields.add_text(name, text.to_string()),
            _ => fields.add_file(name, bytes),
        }
    }
    Ok(fields)
}

fn failed(error: MultipartError) -> ApiError {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            ApiError::too_large("the body is larger than this server reads: send smaller images")
        }
        _ => ApiError::wrong(format!("the form is broken: {}", error.body_text())),
    }
}
