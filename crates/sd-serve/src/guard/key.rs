use std::net::IpAddr;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Peer;
use crate::api_error::ApiError;
use crate::client::{Client, Interface};
use crate::state::App;

/// Lets a request pass if it has a key, where one is asked for, and says whose it is.
pub async fn check(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let keys = &app.options.keys;
    let name = match keys.is_empty() {
        true => address(&request),
        false => match presented(request.headers()).as_deref().map(|key| keys.holder(key)) {
            Some(Some(holder)) => holder,
            Some(None) => return refusal("the key is wrong"),
            None => return refusal("a key is needed: send it as `Authorization: Bearer KEY`"),
        },
    };
    let interface = Interface::of(request.uri().path());
    request.extensions_mut().insert(Client { name, interface });
    next.run(request).await
}

/// The key of a request: `Authorization: Bearer KEY`, `X-Api-Key: KEY`, or the password of `Authorization: Basic`. Some clients send an
/// empty header when they have none.
fn presented(headers: &HeaderMap) -> Option<Vec<u8>> {
    if let Some(key) = headers.get("x-api-key").map(HeaderValue::as_bytes).filter(|key| !key.is_empty()) {
        return Some(key.to_vec());
    }
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?.trim();
    let (scheme, key) = value.split_once(' ')?;
    let key = key.trim();
    if key.is_empty() {
        return None;
    }
    match scheme.to_ascii_lowercase().as_str() {
        "bearer" => Some(key.as_bytes().to_vec()),
        "basic" => {
            let pair = STANDARD.decode(key).ok()?;
            let colon = pair.iter().position(|byte| *byte == b':')?;
            Some(pair[colon + 1..].to_vec())
        }
        _ => None,
    }
}

/// Clients without keys are told apart by their addresses.
fn address(request: &Request) -> String {
    let peer = request.extensions().get::<ConnectInfo<Peer>>();
    peer.map_or_else(|| "unknown".into(), |peer| host(peer.0.address.ip()))
}

/// An address of version 6 stands for its network, of which a single client has all addresses.
fn host(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        address => address.to_string(),
    }
}

fn refusal(message: &str) -> Response {
    let mut response = ApiError::new(StatusCode::UNAUTHORIZED, "invalid_api_key", message).into_response();
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_in_three_ways_and_an_empty_header_is_none() {
        let key = |name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            presented(&headers).map(|key| String::from_utf8(key).unwrap())
        };
        assert_eq!(key("authorization", "Bearer a:b"), Some("a:b".into()));
        assert_eq!(key("authorization", "bearer  k "), Some("k".into()));
        assert_eq!(key("x-api-key", "k"), Some("k".into()));
        assert_eq!(key("authorization", &format!("Basic {}", STANDARD.encode("user:pa:ss"))), Some("pa:ss".into()));
        for none in ["", " ", "Bearer", "Bearer ", "Basic ?", "Basic ", "Digest k"] {
            assert_eq!(key("authorization", none), None, "{none:?}");
        }
    }

    #[test]
    fn a_network_of_version_six_is_a_client() {
        assert_eq!(host("2001:db8:1:2:3:4:5:6".parse().unwrap()), host("2001:db8:1:2::9".parse().unwrap()));
        assert_eq!(host("::ffff:10.0.0.1".parse().unwrap()), "10.0.0.1");
    }
}
