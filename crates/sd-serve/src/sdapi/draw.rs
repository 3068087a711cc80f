//! `txt2img` and `img2img`.

use axum::extract::State;
use axum::{Extension, Json};
use serde_json::{Map, Value, json};

use super::fields::Fields;
use super::request::{self, Kind};
use super::settings::{Chosen, Settings};
use super::{SdapiError, info, infotext, picture};
use crate::api_error::ApiError;
use crate::blocking::blocking;
use crate::body::JsonBody;
use crate::client::Client;
use crate::queue::{Finished, How, JobFailed};
use crate::state::App;

type Body = JsonBody<Map<String, Value>>;
type Answer = Result<Json<Value>, SdapiError>;

/// Draws from a text.
pub(super) async fn txt2img(app: State<App>, settings: Extension<Settings>, client: Client, body: Body) -> Answer {
    draw(Kind::Txt2img, app.0, settings.0, client, body.0).await
}

/// Draws from images.
pub(super) async fn img2img(app: State<App>, settings: Extension<Settings>, client: Client, body: Body) -> Answer {
    draw(Kind::Img2img, app.0, settings.0, client, body.0).await
}

async fn draw(kind: Kind, app: App, settings: Settings, client: Client, mut body: Map<String, Value>) -> Answer {
    infotext::fill(&mut body)?;
    let overrides = overrides(&body)?;
    let chosen = settings.chosen(&overrides)?;
    let restores = Fields::of_body(&body).flag("override_settings_restore_afterwards")?.unwrap_or(true);
    let (for_request, limits) = (chosen.clone(), app.options.limits.clone());
    let (wanted, mut parameters) = blocking(move || {
        let wanted = request::read(kind, &body, &for_request, &limits)?;
        if kind == Kind::Img2img && Fields::of_body(&body).flag("include_init_images")? != Some(true) {
            body.insert("init_images".into(), Value::Null);
            body.insert("mask".into(), Value::Null);
        }
        Ok::<_, SdapiError>((wanted, body))
    })
    .await??;
    let (mut finished, mut warnings) = (Vec::new(), wanted.warnings.clone());
    for job in wanted.jobs() {
        let ticket = app.queue.submit(&client, job, How::Attached).await?;
        for warning in &ticket.warnings {
            // Images that are jobs of their own have the same ones.
            if !warnings.contains(warning) {
                warnings.push(warning.clone());
            }
        }
        match app.queue.result(&ticket).await {
            Ok(images) => finished.extend(images),
            // An interrupted request answers with what there is by then.
            Err(JobFailed::Cancelled { finished: before }) => {
                finished.extend(before);
                break;
            }
            Err(failed) => return Err(failed.into()),
        }
    }
    if !restores {
        settings.write(&overrides)?;
    }
    parameters.remove("force_task_id");
    let answer = move || {
        let images = if wanted.send_images { encoded(&finished, &chosen)? } else { Vec::new() };
        let info = info::of(&wanted, &finished, &warnings).to_string();
        Ok::<_, SdapiError>(Json(json!({ "images": images, "parameters": parameters, "info": info })))
    };
    blocking(answer).await?
}

/// The options that a request brings along.
fn overrides(body: &Map<String, Value>) -> Result<Map<String, Value>, SdapiError> {
    Fields::of_body(body).object("override_settings")?;
    Ok(body.get("override_settings").and_then(Value::as_object).cloned().unwrap_or_default())
}

fn encoded(finished: &[Finished], chosen: &Chosen) -> Result<Vec<String>, SdapiError> {
    let encode = |image: &Finished| match (chosen.format, chosen.metadata) {
        (sd_image::Format::Png, true) => Ok(picture::to_base64(&image.png)),
        (format, metadata) => {
            let bytes = if metadata {
                image.drawn.encode(format).map_err(|error| error.to_string())
            } else {
                image.drawn.image.encode(format, &[]).map_err(|error| error.to_string())
            };
            bytes.map(|bytes| picture::to_base64(&bytes)).map_err(|error| ApiError::internal(error).into())
        }
    };
    finished.iter().map(encode).collect()
}
