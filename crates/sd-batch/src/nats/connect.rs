use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::{Client, ConnectError, ConnectErrorKind, ConnectOptions, Event};

use super::options::Server;
use super::url::{self, Addresses, Entry};
use crate::BatchError;

/// How long a request may take before it counts as lost.
const PATIENCE: Duration = Duration::from_secs(5);

/// A connection, which is made again whenever it breaks.
#[derive(Debug, Clone)]
pub struct Connection {
    pub client: Client,
    pub context: Context,
    /// The server's address without secrets.
    pub shown: String,
    /// How often the connection was made.
    connections: Arc<AtomicU64>,
}

impl Connection {
    /// Connects once.
    pub async fn open(server: &Server, name: &str) -> Result<Self, ConnectFailure> {
        let Addresses { servers, entry, shown } = url::parse(&server.url).map_err(ConnectFailure::Final)?;
        let connections = Arc::new(AtomicU64::new(0));
        let counter = connections.clone();
        let mut options =
            ConnectOptions::new().name(name).request_timeout(Some(PATIENCE)).event_callback(move |event| {
                if matches!(event, Event::Connected) {
                    counter.fetch_add(1, Ordering::Relaxed);
                }
                std::future::ready(())
            });
        options = match entry {
            Some(Entry::User(user, password)) => options.user_and_password(user, password),
            Some(Entry::Token(token)) => options.token(token),
            None => options,
        };
        if let Some(file) = &server.credentials {
            let io = |source| ConnectFailure::Final(BatchError::Io { file: file.clone(), source });
            let text = std::fs::read_to_string(file).map_err(&io)?;
            options = options.credentials(&text).map_err(&io)?;
        }
        if let Some(file) = &server.authorities {
            options = options.add_root_certificates(file.clone());
        }
        if let Some((certificate, key)) = &server.certificate {
            options = options.add_client_certificate(certificate.clone(), key.clone());
        }
        let client = options.connect(servers).await.map_err(|error| failure(&shown, &error))?;
        let mut context = async_nats::jetstream::new(client.clone());
        context.set_timeout(PATIENCE);
        Ok(Self { client, context, shown, connections })
    }

    /// Changes when the connection is made again.
    pub fn generation(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// An error of the server.
    pub fn error(&self, what: &str, error: impl std::fmt::Display) -> BatchError {
        BatchError::Server { server: self.shown.clone(), reason: format!("{what}: {error}") }
    }
}

/// Why there is no connection.
pub enum ConnectFailure {
    /// The server may come.
    Absent(BatchError),
    /// Nothing will change.
    Final(BatchError),
}

impl ConnectFailure {
    pub fn into_error(self) -> BatchError {
        match self {
            Self::Absent(error) | Self::Final(error) => error,
        }
    }
}

fn failure(shown: &str, error: &ConnectError) -> ConnectFailure {
    let refused = "it refuses this user, token or credentials file: check them";
    let (is_final, reason) = match error.kind() {
        ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => (true, refused.into()),
        ConnectErrorKind::Tls => (true, format!("{error}: check the address and the certificates")),
        ConnectErrorKind::Dns => (false, format!("{error}: check the name")),
        _ => (false, format!("{error}: is a NATS server running there?")),
    };
    let error = BatchError::Server { server: shown.into(), reason };
    if is_final { ConnectFailure::Final(error) } else { ConnectFailure::Absent(error) }
}
