use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};

/// Who asks. Clients take turns at the device.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Client {
    /// What tells clients apart: the start of their key's hash, or else their address.
    pub name: String,
    /// The interface that they speak.
    pub interface: Interface,
}

/// The interfaces of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Interface {
    /// Jobs of our own, below `/v1/jobs`, and everything else that is no other.
    Jobs,
    /// AUTOMATIC1111's, below `/sdapi`, and its extension's, below `/controlnet`.
    Sdapi,
    /// OpenAI's, below `/v1/images` and `/v1/models`.
    Openai,
}

impl Interface {
    /// The interface that a path belongs to.
    pub(crate) fn of(path: &str) -> Self {
        let below = |root: &str| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if below("/sdapi") || below("/controlnet") {
            Self::Sdapi
        } else if ["/v1/images/generations", "/v1/images/edits", "/v1/images/variations", "/v1/models"]
            .into_iter()
            .any(below)
        {
            Self::Openai
        } else {
            Self::Jobs
        }
    }

    /// Its name in records and metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Jobs => "jobs",
            Self::Sdapi => "sdapi",
            Self::Openai => "openai",
        }
    }
}

/// The guard puts a client into each request.
impl<S: Sync> FromRequestParts<S> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let unknown = || Self { name: "unknown".into(), interface: Interface::of(parts.uri.path()) };
        Ok(parts.extensions.get().cloned().unwrap_or_else(unknown))
    }
}
