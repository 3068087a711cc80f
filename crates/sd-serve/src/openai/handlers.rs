use axum::Json;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use sd_engine::Job;
use serde_json::Value;

use super::answer::{Answer, Given};
use super::fields::Fields;
use super::link::link;
use super::wanted::Wanted;
use super::{models, stream, translate, upload};
use crate::api_error::ApiError;
use crate::blocking::blocking;
use crate::client::Client;
use crate::queue::{Finished, How, Refused};
use crate::state::App;

pub async fn generations(State(app): State<App>, client: Client, request: Request) -> Result<Response, ApiError> {
    answered(app, client, request, "image_generation", |fields, _| translate::generation(fields)).await
}

pub async fn edits(State(app): State<App>, client: Client, request: Request) -> Result<Response, ApiError> {
    answered(app, client, request, "image_edit", translate::edit).await
}

pub async fn variations(State(app): State<App>, client: Client, request: Request) -> Result<Response, ApiError> {
    answered(app, client, request, "image_edit", translate::variation).await
}

/// Answers a request with the images of the job that `translate` makes of it. `about` begins the names of its events.
async fn answered(
    app: App,
    client: Client,
    request: Request,
    about: &'static str,
    translate: impl FnOnce(&Fields, usize) -> Result<(Job, Wanted), ApiError> + Send + 'static,
) -> Result<Response, ApiError> {
    let headers = request.headers().clone();
    let fields = upload::fields(&app, request).await?;
    let most = app.options.limits.pixels;
    let (library, (job, wanted)) = (app.library.clone(), blocking(move || translate(&fields, most)).await??);
    if let Some(name) = job.model.clone() {
        blocking(move || models::find(&library, &name)).await??;
    }
    let outline = app.queue.plan(job.clone()).await.map_err(named)?;
    let answer = Answer {
        wanted,
        created: jiff::Timestamp::now().as_second(),
        size: (outline.width, outline.height),
        tokens: outline.tokens.iter().map(|text| text.count).sum(),
    };
    // The ticket lives as long as the connection: a client that leaves cancels its job.
    let how = match answer.wanted {
        Wanted { stream: true, partial_images, .. } => How::Streaming { partials: partial_images },
        _ => How::Attached,
    };
    let ticket = app.queue.submit(&client, job, how).await.map_err(named)?;
    if answer.wanted.stream {
        return Ok(stream::response(app, ticket, answer, about).into_response());
    }
    let finished = app.queue.result(&ticket).await?;
    let images = blocking(move || entries(&finished, &answer, &headers).map(|images| answer.whole(images))).await??;
    Ok(Json(images).into_response())
}

fn entries(finished: &[Finished], answer: &Answer, headers: &HeaderMap) -> Result<Vec<Value>, ApiError> {
    let entry = |image: &Finished| {
        let seed = image.drawn.seed;
        if answer.wanted.links {
            return Ok(Answer::entry(Given::Link(&link(headers, &image.id, answer.wanted.format)), seed));
        }
        let file = image.drawn.encode(answer.wanted.format).map_err(|error| ApiError::internal(error.to_string()))?;
        Ok(Answer::entry(Given::Inline(&file), seed))
    };
    finished.iter().map(entry).collect()
}

/// Names the field that a refusal begins with. OpenAI's clients know width and height as `size`.
fn named(refused: Refused) -> ApiError {
    let message = refused.to_string();
    let error = ApiError::from(refused);
    match message.strip_prefix('`').and_then(|rest| rest.split_once('`')) {
        Some(("width" | "height", _)) => error.of_field("size"),
        Some((field, _)) => error.of_field(field),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_at_fault_is_named_as_the_client_knows_it() {
        let field = |message: &str| named(Refused::Wrong(message.into())).field;
        assert_eq!(field("`width` 63 is not a multiple of 8"), Some("size".into()));
        assert_eq!(field("`steps` 3: the pndm sampler needs at least 4"), Some("steps".into()));
        assert_eq!(field("the job names the LoRA \"ink\""), None);
    }
}
