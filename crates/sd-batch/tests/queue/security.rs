use sd_batch::{QueueOptions, Server, WatchOptions, publish, watch};
use sd_golden::NatsServer;
use sd_image::Format;

use crate::artist::Painter;
use crate::{Worker, images, queue};

/// Certificates of `127.0.0.1`, made by `make.sh` beside them.
const TLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/queue/tls");

/// An operator's server and credentials, made by `make.py` beside them.
const CREDENTIALS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/queue/credentials");

#[test]
fn users_and_tokens_enter_and_others_are_refused() {
    let user = NatsServer::with_config(r#"authorization { user: "ann", password: "p@ss" }"#);
    let token = NatsServer::with_config(r#"authorization { token: "s3cret" }"#);
    let send = |url: String| {
        let server = Server { url, ..Server::default() };
        publish(&server, &queue(), &images(1), Format::Png, &|| false)
    };
    assert_eq!(send(format!("nats://ann:p%40ss@{}", user.address())).unwrap().queued, 1);
    assert_eq!(send(format!("nats://s3cret@{}", token.address())).unwrap().queued, 1);
    for url in [user.url(), format!("nats://ann:wrong@{}", user.address()), format!("nats://wrong@{}", token.address())]
    {
        let error = send(url).unwrap_err().to_string();
        assert!(error.contains("refuses this user, token or credentials file"), "{error}");
        assert!(!error.contains("wrong"), "{error}");
    }
    let wrong = Server { url: format!("nats://wrong@{}", token.address()), ..Server::default() };
    // A worker that is refused ends; it does not wait.
    let error = Worker::start_at(wrong, &Painter::default(), 3).thread.join().unwrap().unwrap_err().to_string();
    assert!(error.contains("refuses"), "{error}");
}

#[test]
fn tls_needs_the_authority_and_a_client_certificate_where_the_server_wants_one() {
    let file = |name: &str| std::path::PathBuf::from(format!("{TLS}/{name}"));
    let server = NatsServer::with_config(&format!(
        "tls {{ cert_file: \"{TLS}/server.pem\", key_file: \"{TLS}/server.key\", ca_file: \"{TLS}/authority.pem\", verify: true }}"
    ));
    let url = format!("tls://{}", server.address());
    let known = Server { url: url.clone(), authorities: Some(file("authority.pem")), ..Server::default() };
    let own = Server { certificate: Some((file("client.pem"), file("client.key"))), ..known.clone() };
    assert_eq!(publish(&own, &queue(), &images(1), Format::Png, &|| false).unwrap().queued, 1);
    for stranger in [known, Server { url, ..Server::default() }] {
        assert!(publish(&stranger, &queue(), &images(1), Format::Png, &|| false).is_err());
    }
}

#[test]
fn credentials_of_the_operator_enter_and_those_of_another_do_not() {
    let server = NatsServer::with_config(include_str!("credentials/server.conf"));
    let with = |name: &str| {
        let credentials = Some(format!("{CREDENTIALS}/{name}").into());
        let server = Server { url: server.url(), credentials, ..Server::default() };
        publish(&server, &queue(), &images(1), Format::Png, &|| false)
    };
    assert_eq!(with("user.creds").unwrap().queued, 1);
    let error = with("stranger.creds").unwrap_err().to_string();
    assert!(error.contains("refuses this user, token or credentials file"), "{error}");
    let error = with("none.creds").unwrap_err().to_string();
    assert!(error.contains("none.creds: No such file"), "{error}");
}

#[test]
fn names_of_queues_cannot_reach_other_subjects() {
    for name in ["", "a.b", "a b", "*", ">", "a/b", &"x".repeat(65)] {
        let queue = QueueOptions { name: name.into(), ..QueueOptions::default() };
        let options = WatchOptions { items: None, format: Format::Png, folder: None };
        let server = Server { url: "nats://127.0.0.1:1".into(), ..Server::default() };
        let error = watch(&server, &queue, &options, &|| true, &mut |_| {}).unwrap_err();
        assert!(error.is_usage() && error.to_string().contains("`queue`"), "{error}");
    }
}
