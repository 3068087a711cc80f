//! Hubs that accept a connection and then say nothing.

use std::net::TcpListener;
use std::ops::ControlFlow;
use std::time::Duration;

use sd_hub::{Hub, HubError};
use tempfile::TempDir;

use crate::server::Server;
use crate::{cache, large};

const SHORT: Duration = Duration::from_millis(300);
/// Longer than any test waits.
const LONG: Duration = Duration::from_hours(1);

fn server() -> Server {
    let weights = large();
    Server::with(&[("model_index.json", b"{}"), ("unet/diffusion_pytorch_model.safetensors", &weights)])
}

/// A hub that takes requests and answers none, until the test ends.
fn silent(cache: &TempDir) -> (TcpListener, Hub) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let hub = Hub::new(&format!("http://{}", listener.local_addr().unwrap()), cache.path(), None);
    (listener, hub)
}

#[test]
fn a_silent_hub_is_given_up_and_the_cache_is_used() {
    let (server, cache) = (server(), cache());
    let wanted = "owner/name".parse().unwrap();
    let mut go_on = |_: Option<&_>| ControlFlow::Continue(());
    let found = Hub::new(&server.endpoint, cache.path(), None).fetch(&wanted, &mut go_on).unwrap();
    assert_eq!(found.unreached, None);
    let (_listener, hub) = silent(&cache);
    let hub = hub.with_patience(SHORT, LONG);
    let again = hub.fetch(&wanted, &mut go_on).unwrap();
    assert_eq!(again.path, found.path);
    assert_eq!(again.unreached.as_deref(), Some("nothing was heard for 0.3 s"));
    let error = hub.fetch(&"owner/other".parse().unwrap(), &mut go_on).unwrap_err();
    assert!(matches!(&error, HubError::Offline { reason, .. } if reason == "nothing was heard for 0.3 s"), "{error}");
}

#[test]
fn a_download_that_falls_silent_resumes_where_it_stopped() {
    let (server, cache) = (server(), cache());
    let hub = Hub::new(&server.endpoint, cache.path(), None).with_patience(LONG, SHORT);
    server.behaviour.lock().unwrap().cut = (700_000, 1);
    server.behaviour.lock().unwrap().stalls = true;
    let found = hub.fetch(&"owner/name".parse().unwrap(), &mut |_| ControlFlow::Continue(())).unwrap();
    let file = found.path.join("unet/diffusion_pytorch_model.safetensors");
    assert_eq!(std::fs::read(file).unwrap(), large());
    let seen = &server.behaviour.lock().unwrap().seen;
    let ranges: Vec<&str> =
        seen.iter().filter(|(path, ..)| path.starts_with("/large/")).map(|(_, r, _)| &**r).collect();
    assert_eq!(ranges, ["bytes=0-", "bytes=700000-"]);
}

#[test]
fn a_download_that_stays_silent_is_reported_and_kept() {
    let (server, cache) = (server(), cache());
    let hub = Hub::new(&server.endpoint, cache.path(), None).with_patience(LONG, SHORT);
    server.behaviour.lock().unwrap().cut = (100_000, 100);
    server.behaviour.lock().unwrap().stalls = true;
    let error = hub.fetch(&"owner/name".parse().unwrap(), &mut |_| ControlFlow::Continue(())).unwrap_err();
    assert!(matches!(&error, HubError::Broken { reason, .. } if reason == "nothing was heard for 0.3 s"), "{error}");
}

#[test]
fn the_watcher_can_end_a_silent_wait_and_a_silent_download() {
    let cache = cache();
    let (listener, hub) = silent(&cache);
    let wanted = "owner/name".parse().unwrap();
    let mut asked = 0;
    let error = hub.with_patience(LONG, LONG).fetch(&wanted, &mut |download| {
        assert_eq!(download, None);
        asked += 1;
        if asked < 3 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    assert!(matches!(error, Err(HubError::Cancelled)), "{error:?}");
    drop(listener);

    let server = server();
    server.behaviour.lock().unwrap().cut = (700_000, 1);
    server.behaviour.lock().unwrap().stalls = true;
    let hub = Hub::new(&server.endpoint, cache.path(), None).with_patience(LONG, LONG);
    let mut seen = Vec::new();
    let error = hub.fetch(&wanted, &mut |download| {
        seen.extend(download.map(|download| download.done));
        // It is called again although nothing more has arrived.
        let is_silent = seen.len() > 2 && seen.iter().rev().take(3).all(|done| *done == 700_000);
        if is_silent { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(matches!(error, Err(HubError::Cancelled)), "{error:?}");
}

#[test]
fn checksums_that_are_not_names_of_files_are_refused() {
    for checksum in ["../../evil", "/tmp/evil", "", "a/b"] {
        let (server, cache) = (server(), cache());
        server.behaviour.lock().unwrap().checksum = Some(checksum.into());
        let hub = Hub::new(&server.endpoint, cache.path(), None);
        let error = hub.fetch(&"owner/name".parse().unwrap(), &mut |_| ControlFlow::Continue(())).unwrap_err();
        assert!(matches!(error, HubError::Answer { .. }), "{error}");
    }
}
