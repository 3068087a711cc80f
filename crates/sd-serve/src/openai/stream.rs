//! Images as events, while they are drawn.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;

use axum::response::sse::{Event as Sent, KeepAlive, Sse};
use futures_util::{Stream, StreamExt, stream};
use sd_image::{Filter, Fit, Image};
use serde_json::Value;

use super::answer::Answer;
use crate::api_error::ApiError;
use crate::blocking::blocking;
use crate::client::Interface;
use crate::id::ImageId;
use crate::jobs::converted;
use crate::queue::{Event, JobFailed, Refused, Ticket};
use crate::state::App;

/// The events of a job. Dropping the response cancels the job.
pub fn response(
    app: App,
    ticket: Ticket,
    answer: Answer,
    about: &'static str,
) -> Sse<impl Stream<Item = Result<Sent, Infallible>>> {
    let events = Box::pin(app.queue.events(&ticket.id));
    let drawing =
        Drawing { app, _ticket: ticket, events, answer: Arc::new(answer), about, image: 0, partials: 0, ended: false };
    let sent = stream::unfold(drawing, |mut drawing| async move { Some((Ok(drawing.next().await?), drawing)) });
    Sse::new(sent).keep_alive(KeepAlive::default())
}

struct Drawing {
    app: App,
    _ticket: Ticket,
    events: Pin<Box<dyn Stream<Item = Event> + Send>>,
    answer: Arc<Answer>,
    about: &'static str,
    /// The image that is drawn, and how often it was sent unfinished.
    image: u64,
    partials: usize,
    ended: bool,
}

impl Drawing {
    /// The next event to send; none at the end.
    async fn next(&mut self) -> Option<Sent> {
        while !self.ended {
            let event = self.events.next().await;
            match self.sent(event).await {
                Ok(Some(data)) => return Some(named(&data)),
                Ok(None) => {}
                Err(error) => {
                    self.ended = true;
                    return Some(Sent::default().event("error").data(error.body(Interface::Openai).to_string()));
                }
            }
        }
        None
    }

    /// What is sent about an event of the job, if anything is.
    async fn sent(&mut self, event: Option<Event>) -> Result<Option<Value>, ApiError> {
        match event {
            // An image that is finished is not sent unfinished any more.
            Some(Event::Step { image, preview: Some(preview), .. }) if image >= self.image => {
                if image > self.image {
                    (self.image, self.partials) = (image, 0);
                }
                let index = self.partials;
                self.partials += 1;
                let (answer, about) = (self.answer.clone(), self.about);
                let partial = move || Ok(answer.partial(about, &enlarged(&preview, &answer)?, index));
                blocking(partial).await?.map(Some)
            }
            Some(Event::Image { id, seed, .. }) => {
                (self.image, self.partials) = (id.index + 1, 0);
                let (answer, about, app) = (self.answer.clone(), self.about, self.app.clone());
                let completed = move || Ok(answer.completed(about, &stored(&app, &id, &answer)?, seed));
                blocking(completed).await?.map(Some)
            }
            Some(Event::Done) => {
                self.ended = true;
                Ok(None)
            }
            Some(Event::Failed { message }) => Err(JobFailed::Failed(message).into()),
            Some(Event::Cancelled) => Err(JobFailed::Cancelled { finished: Vec::new() }.into()),
            Some(_) => Ok(None),
            None => Err(Refused::Stopping.into()),
        }
    }
}

/// An event with the name that its data say.
fn named(data: &Value) -> Sent {
    Sent::default().event(data["type"].as_str().unwrap_or_default()).data(data.to_string())
}

/// A preview in the size and the format of the image.
fn enlarged(preview: &[u8], answer: &Answer) -> Result<Vec<u8>, ApiError> {
    let (width, height) = answer.size;
    let image = Image::decode(preview).map_err(failed)?.fit(width, height, Fit::Stretch, Filter::Bilinear);
    image.encode(answer.wanted.format, &[]).map_err(failed)
}

/// The file of a finished image, in the format that is wanted.
fn stored(app: &App, id: &ImageId, answer: &Answer) -> Result<Vec<u8>, ApiError> {
    let png = app.store.png(id)?.ok_or_else(|| ApiError::internal("the image is no longer in the store"))?;
    converted(png, answer.wanted.format, true)
}

fn failed(error: impl std::fmt::Display) -> ApiError {
    ApiError::internal(error.to_string())
}
