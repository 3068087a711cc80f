use axum::Json;
use axum::extract::State;
use sd_engine::{EngineError, Job, Kind};
use sd_pipeline::{CATALOGUE, OptionRange, Preprocessor, Schedule};
use serde::Serialize;

use crate::api_error::ApiError;
use crate::blocking::blocking;
use crate::state::App;

/// What jobs may name, and what they may ask for.
#[derive(Serialize)]
pub struct Description {
    version: &'static str,
    default_model: Option<String>,
    models: Vec<String>,
    loras: Vec<String>,
    embeddings: Vec<String>,
    vaes: Vec<String>,
    upscalers: Vec<String>,
    controls: Vec<String>,
    samplers: Vec<Sampler>,
    schedules: Vec<&'static str>,
    preprocessors: Vec<Named>,
    /// A job that leaves everything open.
    defaults: Job,
    limits: Limits,
}

#[derive(Serialize)]
struct Sampler {
    name: &'static str,
    /// Calls of the network in a step.
    calls: usize,
    options: Vec<SamplerOption>,
}

#[derive(Serialize)]
struct SamplerOption {
    name: String,
    min: f64,
    /// None is any.
    max: Option<f64>,
    /// None depends on the model.
    default: Option<f64>,
}

#[derive(Serialize)]
struct Named {
    name: &'static str,
    usage: String,
    about: &'static str,
}

#[derive(Serialize)]
struct Limits {
    pixels: usize,
    steps: usize,
    count: u64,
    body: usize,
    seconds: u64,
}

/// `GET /v1/library`: what a form needs to know.
pub async fn library(State(app): State<App>) -> Result<Json<Description>, ApiError> {
    let described = blocking(move || describe(&app)).await?;
    described.map(Json).map_err(|error| ApiError::internal(error.to_string()))
}

fn describe(app: &App) -> Result<Description, EngineError> {
    let names = |kind| -> Result<Vec<String>, EngineError> {
        Ok(app.library.list(kind)?.into_iter().map(|entry| entry.name).collect())
    };
    let limits = &app.options.limits;
    Ok(Description {
        version: env!("CARGO_PKG_VERSION"),
        default_model: app.library.default_model().map(|entry| entry.name),
        models: names(Kind::Model)?,
        loras: names(Kind::Lora)?,
        embeddings: names(Kind::Embedding)?,
        vaes: names(Kind::Vae)?,
        upscalers: names(Kind::Upscaler)?,
        controls: names(Kind::Control)?,
        samplers: samplers(),
        schedules: Schedule::NAMED.iter().map(|(name, _)| *name).collect(),
        preprocessors: preprocessors(),
        defaults: Job::default(),
        limits: Limits {
            pixels: limits.pixels,
            steps: limits.steps,
            count: limits.count,
            body: limits.body,
            seconds: limits.job.as_secs(),
        },
    })
}

fn samplers() -> Vec<Sampler> {
    let finite = |value: f64| value.is_finite().then_some(value);
    let option = |range: &OptionRange| SamplerOption {
        name: range.option.to_string(),
        min: *range.range.start(),
        max: finite(*range.range.end()),
        default: finite(range.default),
    };
    let samplers = CATALOGUE.iter().map(|info| Sampler {
        name: info.name,
        calls: info.calls,
        options: info.options.iter().map(option).collect(),
    });
    samplers.collect()
}

fn preprocessors() -> Vec<Named> {
    Preprocessor::ALL.iter().map(|entry| Named { name: entry.name, usage: entry.usage(), about: entry.about }).collect()
}
