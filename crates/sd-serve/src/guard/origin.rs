use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::api_error::ApiError;
use crate::options::ServeOptions;
use crate::state::App;

/// Refuses what a browser sends on behalf of a page that is not the server's own.
pub async fn check(State(app): State<App>, request: Request, next: Next) -> Response {
    match wrong(&app.options, request.method(), request.uri(), request.headers()) {
        Some(message) => ApiError::new(StatusCode::FORBIDDEN, "forbidden", message).into_response(),
        None => next.run(request).await,
    }
}

/// What is wrong with where a request comes from.
fn wrong(options: &ServeOptions, method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let host = uri.authority().map(|authority| authority.as_str()).or_else(|| text(header::HOST)).unwrap_or_default();
    // A name on the web may be made to stand for this machine, and then a page there could ask whatever it likes. It has no key.
    if options.loopback && options.keys.is_empty() && !is_this_machine(host) {
        return Some(format!("Host: {host:?} is not this machine: ask for localhost, or start the server with a key"));
    }
    let changes = !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    let origin = text(header::ORIGIN).filter(|_| changes)?;
    let own = origin.split_once("://").is_some_and(|(_, origin)| origin.eq_ignore_ascii_case(host));
    let allowed = own || options.cors.contains(origin);
    (!allowed).then(|| format!("Origin: pages of {origin:?} may not use this server: start it with --cors {origin}"))
}

/// Whether the host of a `Host` header is a name of this machine alone.
fn is_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Keys;

    fn is_wrong(options: &ServeOptions, method: Method, headers: &[(&'static str, &str)]) -> bool {
        let headers = headers.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        wrong(options, &method, &Uri::from_static("/"), &headers.collect()).is_some()
    }

    #[test]
    fn without_a_key_only_this_machines_names_are_answered() {
        let options = ServeOptions::default();
        for host in ["localhost", "localhost:7860", "127.0.0.1:7860", "[::1]:7860", "LOCALHOST", "127.8.8.8"] {
            assert!(!is_wrong(&options, Method::GET, &[("host", host)]), "{host}");
        }
        for host in ["evil.example", "localhost.evil.example", "10.0.0.1", "", "127.0.0.1.evil.example:7860"] {
            assert!(is_wrong(&options, Method::GET, &[("host", host)]), "{host}");
        }
        let with_key = ServeOptions { keys: Keys::new(["0123456789abcdef"]), ..options };
        assert!(!is_wrong(&with_key, Method::GET, &[("host", "images.example")]));
    }

    #[test]
    fn other_pages_change_nothing_unless_they_may() {
        let options = ServeOptions { cors: ["https://friend.example".into()].into(), ..ServeOptions::default() };
        let post = |origin: &str| is_wrong(&options, Method::POST, &[("host", "localhost:7860"), ("origin", origin)]);
        assert!(!post("http://localhost:7860"));
        assert!(!post("https://friend.example"));
        for origin in ["http://localhost:7861", "https://evil.example", "null", "http://friend.example"] {
            assert!(post(origin), "{origin}");
        }
        assert!(!is_wrong(&options, Method::POST, &[("host", "localhost:7860")]));
    }
}
