//! Flags of commands that use a queue in NATS.

use std::path::PathBuf;
use std::time::Duration;

use sd_batch::{QueueOptions, Server};

/// The server, and the queue.
#[derive(clap::Args)]
pub struct NatsFlags {
    /// NATS server with JetStream: nats://HOST:4222 or tls://HOST:4222, with USER:PASSWORD@ or TOKEN@ before HOST if needed; several are separated by commas
    #[arg(long = "nats", id = "nats", value_name = "URL", help_heading = "Many machines")]
    url: Option<String>,
    /// Name of the queue: letters, digits, - and _
    #[arg(long, value_name = "NAME", default_value = "sd", help_heading = "Many machines")]
    queue: String,
    /// Credentials file of NATS
    #[arg(long, value_name = "FILE", env = "NATS_CREDS", help_heading = "Many machines")]
    nats_creds: Option<PathBuf>,
    /// Certificate of the authority that signed the server's, if the system does not know it
    #[arg(long, value_name = "FILE", env = "NATS_CA", help_heading = "Many machines")]
    nats_ca: Option<PathBuf>,
    /// Certificate of this client, for servers that want one
    #[arg(long, value_name = "FILE", env = "NATS_CERT", requires = "nats_key", help_heading = "Many machines")]
    nats_cert: Option<PathBuf>,
    /// Key of this client's certificate
    #[arg(long, value_name = "FILE", env = "NATS_KEY", requires = "nats_cert", help_heading = "Many machines")]
    nats_key: Option<PathBuf>,
    /// Seconds after which a silent worker counts as dead, and its job is given to another [default: as the queue has it; 30 in a new one]
    #[arg(long, value_name = "SECONDS", help_heading = "Many machines", value_parser = clap::value_parser!(u64).range(1..))]
    dead_after: Option<u64>,
}

impl NatsFlags {
    /// The server, if one is named.
    pub fn server(&self) -> Option<Server> {
        self.url.clone().map(|url| self.server_at(url))
    }

    /// The server at a URL.
    pub fn server_at(&self, url: String) -> Server {
        Server {
            url,
            credentials: self.nats_creds.clone(),
            authorities: self.nats_ca.clone(),
            certificate: self.nats_cert.clone().zip(self.nats_key.clone()),
        }
    }

    pub fn queue(&self) -> QueueOptions {
        QueueOptions { name: self.queue.clone(), dead_after: self.dead_after.map(Duration::from_secs) }
    }
}
