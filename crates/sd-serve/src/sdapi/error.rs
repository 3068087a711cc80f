//! What goes wrong, in the shapes that FastAPI and AUTOMATIC1111's server give it.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::api_error::ApiError;
use crate::artist::Failure;
use crate::client::Interface;
use crate::queue::{JobFailed, Refused};

/// Why a request gets no answer but an error.
#[derive(Debug)]
pub(super) enum SdapiError {
    /// A field has the wrong type, or a value that cannot be used: FastAPI's errors of validation.
    Field {
        /// Names and indices that lead to the field, from `body`.
        place: Vec<Value>,
        /// What is wrong with it.
        message: String,
        /// FastAPI's name for that.
        kind: &'static str,
    },
    /// Everything else.
    Other(ApiError),
}

impl SdapiError {
    /// A request that cannot be carried out, with a status.
    pub fn refused(status: StatusCode, detail: impl Into<String>) -> Self {
        Self::Other(ApiError::new(status, "HTTPException", detail))
    }

    /// A request with values that do not go together.
    pub fn unprocessable(detail: impl Into<String>) -> Self {
        Self::refused(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }
}

impl From<ApiError> for SdapiError {
    fn from(error: ApiError) -> Self {
        Self::Other(error)
    }
}

impl From<Refused> for SdapiError {
    fn from(refused: Refused) -> Self {
        Self::Other(refused.into())
    }
}

impl From<JobFailed> for SdapiError {
    fn from(failed: JobFailed) -> Self {
        Self::Other(failed.into())
    }
}

impl From<Failure> for SdapiError {
    fn from(failure: Failure) -> Self {
        Self::Other(failure.into())
    }
}

impl std::fmt::Display for SdapiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Field { place, message, .. } => {
                let step = |step: &Value| step.as_str().map_or_else(|| step.to_string(), str::to_owned);
                write!(f, "{}: {message}", place.iter().map(step).collect::<Vec<_>>().join("."))
            }
            Self::Other(error) => f.write_str(&error.message),
        }
    }
}

impl IntoResponse for SdapiError {
    fn into_response(self) -> Response {
        match self {
            Self::Field { place, message, kind } => {
                let detail = json!([{ "loc": place, "msg": message, "type": kind }]);
                (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "detail": detail }))).into_response()
            }
            Self::Other(error) => error.response(Interface::Sdapi),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_that_names_the_field() {
        let place = vec![json!("body"), json!("args"), json!(0), json!("weight")];
        let error = SdapiError::Field { place, message: "value is not a valid float".into(), kind: "type_error.float" };
        assert_eq!(error.to_string(), "body.args.0.weight: value is not a valid float");
        assert_eq!(error.into_response().status(), StatusCode::UNPROCESSABLE_ENTITY);
    }
}
