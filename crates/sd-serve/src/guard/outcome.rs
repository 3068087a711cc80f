use std::sync::atomic::Ordering;
use std::time::Instant;

use axum::body::to_bytes;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use super::Peer;
use crate::api_error::ApiError;
use crate::client::Interface;
use crate::state::App;

/// Logs and counts what is answered, and lets the connection live while its request is.
pub async fn observe(State(app): State<App>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let _busy = request.extensions().get::<ConnectInfo<Peer>>().map(|peer| Busy::new(&peer.0));
    let (method, path) = (request.method().clone(), request.uri().path().to_string());
    let response = next.run(request).await;
    let status = response.status();
    app.metrics.answered(Interface::of(&path), status.as_u16());
    let seconds = began.elapsed().as_secs_f64();
    match status.is_server_error() {
        true => tracing::warn!(%method, path, status = status.as_u16(), seconds, "answered"),
        false => tracing::debug!(%method, path, status = status.as_u16(), seconds, "answered"),
    }
    response
}

/// Gives an error the form of the interface that was asked.
pub async fn of_interface(request: Request, next: Next) -> Response {
    let interface = Interface::of(request.uri().path());
    let response = next.run(request).await;
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    if let Some(error) = response.extensions().get::<ApiError>() {
        let headers = response.headers().clone();
        let mut formed = error.response(interface);
        // The length and the type are those of the new form.
        let kept = headers.into_iter().filter_map(|(name, value)| Some((name?, value)));
        for (name, value) in kept.filter(|(name, _)| *name != header::CONTENT_LENGTH && *name != header::CONTENT_TYPE) {
            formed.headers_mut().insert(name, value);
        }
        return formed;
    }
    let is_text =
        response.headers().get(header::CONTENT_TYPE).is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if is_text { of_text(response).await.response(interface) } else { response }
}

/// An error that a library below answered with: its text is the message.
async fn of_text(response: Response) -> ApiError {
    let status = response.status();
    let text = to_bytes(response.into_body(), 4096).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text).replace('\n', " ");
    let code = match status {
        StatusCode::PAYLOAD_TOO_LARGE => "too_large",
        StatusCode::NOT_FOUND => "not_found",
        status if status.is_server_error() => "internal",
        _ => "invalid_request",
    };
    let message = if text.is_empty() { status.canonical_reason().unwrap_or("error").to_string() } else { text };
    ApiError::new(status, code, message)
}

/// Marks a connection as busy until it is dropped.
struct Busy(Peer);

impl Busy {
    fn new(peer: &Peer) -> Self {
        peer.busy.fetch_add(1, Ordering::Relaxed);
        Self(peer.clone())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
    }
}
