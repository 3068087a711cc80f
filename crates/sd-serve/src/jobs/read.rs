use std::collections::BTreeMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use sd_engine::{Job, Record};
use sd_image::{Image, Texts};
use sd_metadata::Parameters;
use serde::{Deserialize, Serialize};

use crate::api_error::ApiError;
use crate::blocking::blocking;
use crate::body::{base64_bytes, parse};
use crate::state::App;

/// What an image says of its making.
#[derive(Serialize, Default)]
pub struct Said {
    /// A job that draws it again, as far as can be told.
    job: Option<Job>,
    /// AUTOMATIC1111's text.
    parameters: Option<String>,
    /// All texts.
    texts: BTreeMap<String, String>,
    /// What could not be told, a line each.
    unknown: Vec<String>,
    width: usize,
    height: usize,
}

#[derive(Deserialize)]
struct InJson {
    image: String,
}

/// `POST /v1/read`: the settings of an image, which is the body, or `image` in JSON.
pub async fn read(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Result<Json<Said>, ApiError> {
    let kind = headers.get(header::CONTENT_TYPE).map(|kind| kind.as_bytes().to_vec()).unwrap_or_default();
    let said = blocking(move || {
        if !kind.starts_with(b"application/json") {
            return said(&body, &app);
        }
        let InJson { image } = parse(&body, &app.options.limits)?;
        said(&base64_bytes(&image)?, &app)
    });
    Ok(Json(said.await??))
}

fn said(file: &[u8], app: &App) -> Result<Said, ApiError> {
    let (width, height) = Image::dimensions(file).map_err(|error| ApiError::wrong(error.to_string()))?;
    let texts = Texts::read(file);
    let mut said = Said { width, height, ..Said::default() };
    said.texts.extend(texts.iter().map(|(key, text)| (key.to_string(), text.to_string())));
    said.parameters = texts.get("parameters").map(str::to_string);
    // Our own record tells more than AUTOMATIC1111's text.
    if let Some(record) = texts.get(Record::KEY) {
        match Record::from_json(record).and_then(|record| record.job()) {
            Ok(job) => {
                said.job = Some(job);
                return Ok(said);
            }
            Err(error) => said.unknown.push(error.to_string()),
        }
    }
    if let Some(parameters) = texts.get("parameters") {
        let (job, unknown) = Job::from_parameters(&Parameters::parse(parameters), &app.library);
        said.job = Some(job);
        said.unknown.extend(unknown);
    }
    Ok(said)
}
