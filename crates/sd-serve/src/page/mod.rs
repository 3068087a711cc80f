//! The page at `/`: files inside the program.

mod assets;
#[cfg(test)]
mod tests;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use self::assets::{ASSETS, Asset, INDEX};
use crate::api_error::ApiError;
use crate::state::App;

/// What the page may do: use what this server serves, and nothing else. No script, style or handler inside the HTML runs, and no text
/// becomes HTML.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

/// The routes.
pub(crate) fn routes() -> Router<App> {
    Router::new().route("/", get(index)).route("/page/{name}", get(file))
}

async fn index(headers: HeaderMap) -> Response {
    served(&INDEX, &headers)
}

async fn file(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, ApiError> {
    let asset = ASSETS.iter().find(|asset| asset.name == name);
    let asset = asset.ok_or_else(|| ApiError::not_found(format!("/page/{name}: there is nothing here")))?;
    Ok(served(asset, &headers))
}

fn served(asset: &Asset, headers: &HeaderMap) -> Response {
    let (tag, policies) = (asset.tag(), policies());
    if knows(headers, &tag) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)], policies).into_response();
    }
    let described = [(header::CONTENT_TYPE, asset.kind()), (header::CACHE_CONTROL, "no-cache")];
    ([(header::ETAG, tag)], described, policies, asset.text).into_response()
}

fn policies() -> [(header::HeaderName, &'static str); 4] {
    [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ]
}

/// Whether the browser has this state of the file.
fn knows(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|known| known.to_str().ok());
    let mut known = known.flat_map(|list| list.split(',')).map(|known| known.trim().trim_start_matches("W/"));
    known.any(|known| known == tag || known == "*")
}
