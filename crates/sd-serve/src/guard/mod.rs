//! What stands before every route: who may ask, from where, and how much.

mod connection;
mod key;
mod keys;
mod origin;
mod outcome;

use std::any::Any;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, Method, Response, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::CorsLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::RequestBodyDeadlineLayer;

use crate::api_error::ApiError;
use crate::options::ServeOptions;
use crate::state::App;

pub use self::keys::{Keys, KeysError};

pub(crate) use self::connection::{GuardedListener, Peer};

/// Puts the key in front of routes.
pub(crate) fn with_key(routes: Router<App>, app: &App) -> Router<App> {
    routes.layer(from_fn_with_state(app.clone(), key::check))
}

/// Puts the rest of the guard in front of routes: the first to see a request is the last here.
pub(crate) fn guarded(routes: Router<App>, app: &App) -> Router<App> {
    let limits = &app.options.limits;
    let nosniff = (HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
    routes
        .layer(DefaultBodyLimit::disable())
        .layer(RequestBodyLimitLayer::new(limits.body))
        .layer(RequestBodyDeadlineLayer::new(limits.request))
        .layer(cors(&app.options))
        .layer(from_fn_with_state(app.clone(), origin::check))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(SetResponseHeaderLayer::if_not_present(nosniff.0, nosniff.1))
        .layer(from_fn(outcome::of_interface))
        .layer(from_fn_with_state(app.clone(), outcome::observe))
}

/// Pages of the given origins may use the server, and no others.
fn cors(options: &ServeOptions) -> CorsLayer {
    let origins: Vec<HeaderValue> = options.cors.iter().filter_map(|origin| origin.parse().ok()).collect();
    if origins.is_empty() {
        return CorsLayer::new();
    }
    let idempotency = HeaderName::from_static("idempotency-key");
    let key = HeaderName::from_static("x-api-key");
    let resume = HeaderName::from_static("last-event-id");
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, idempotency, key, resume])
        .expose_headers([header::LOCATION, header::RETRY_AFTER])
        .max_age(Duration::from_secs(3600))
}

/// A panic is a bug: 500, and the others go on.
fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response<Body> {
    let text = panic.downcast_ref::<&str>().copied();
    let message = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
    tracing::error!(message, "a panic while a request was answered");
    ApiError::internal("internal error, please report it").into_response()
}
