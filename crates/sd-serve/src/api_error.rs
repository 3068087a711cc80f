use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::artist::Failure;
use crate::client::Interface;
use crate::queue::{JobFailed, Refused};
use crate::store::StoreError;

/// An answer that says what went wrong. Handlers of every interface return it; at the edge of the server it takes the form of the
/// interface that was asked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ApiError {
    /// The status of the response.
    pub status: StatusCode,
    /// A line for people.
    pub message: String,
    /// A word for programs.
    pub code: &'static str,
    /// The field of the request that is wrong, where one is.
    pub field: Option<String>,
    /// When to try again, in seconds.
    pub retry_after: Option<u64>,
}

impl ApiError {
    /// An error of any status.
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), code, field: None, retry_after: None }
    }

    /// 400: the request is wrong.
    pub(crate) fn wrong(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", message)
    }

    /// 404: there is no such thing.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// 413: it is more than the server's limits allow.
    pub(crate) fn too_large(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
    }

    /// 500: it is the server's fault.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    }

    /// Says which field is wrong.
    pub(crate) fn of_field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// The body, as clients of the interface read it.
    pub(crate) fn body(&self, interface: Interface) -> Value {
        match interface {
            // The fields of AUTOMATIC1111's handler of exceptions.
            Interface::Sdapi => json!({
                "error": self.code,
                "detail": self.message,
                "body": "",
                "errors": self.message,
            }),
            Interface::Jobs | Interface::Openai => json!({
                "error": {
                    "message": self.message,
                    "type": if self.status.is_server_error() { "server_error" } else { "invalid_request_error" },
                    "param": self.field,
                    "code": self.code,
                }
            }),
        }
    }

    /// The response, as clients of the interface read it.
    pub(crate) fn response(&self, interface: Interface) -> Response {
        let mut response = (self.status, Json(self.body(interface))).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// The response of our own interface. It also carries the error itself, from which `guard::form` makes that of another.
impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.response(Interface::Jobs);
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        let message = refused.to_string();
        match refused {
            Refused::Wrong(_) => Self { field: field(&message), ..Self::wrong(message) },
            Refused::TooLarge(_) => Self { field: field(&message), ..Self::too_large(message) },
            Refused::Full { retry_after } => {
                let full = Self::new(StatusCode::SERVICE_UNAVAILABLE, "queue_full", message);
                Self { retry_after: Some(retry_after), ..full }
            }
            Refused::Stopping => {
                let stopping = Self::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", message);
                Self { retry_after: Some(10), ..stopping }
            }
            Refused::Conflict(_) => Self::new(StatusCode::CONFLICT, "conflict", message),
            Refused::Internal(_) => Self::internal(message),
        }
    }
}

/// The field that a message begins with, in backticks or before a colon.
fn field(message: &str) -> Option<String> {
    let word = match message.strip_prefix('`') {
        Some(rest) => rest.split_once('`')?.0,
        None => message.split_once(':')?.0,
    };
    let is_name = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name.then(|| word.to_string())
}

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Usage(message) => Self::wrong(message),
            Failure::Cancelled => Self::new(StatusCode::CONFLICT, "cancelled", "it was cancelled"),
            Failure::Device(message) => Self::internal(message),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store failed");
        Self::internal(error.to_string())
    }
}

impl From<JobFailed> for ApiError {
    fn from(failed: JobFailed) -> Self {
        let message = failed.to_string();
        match failed {
            JobFailed::Usage(_) => Self::wrong(message),
            JobFailed::Failed(_) => Self::internal(message),
            JobFailed::Cancelled { .. } => Self::new(StatusCode::CONFLICT, "cancelled", message),
            JobFailed::Stopping => Refused::Stopping.into(),
        }
    }
}
