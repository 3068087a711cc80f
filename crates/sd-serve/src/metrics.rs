use std::fmt;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::client::Interface;

/// What is counted, for Prometheus.
pub(crate) struct Metrics {
    registry: Registry,
    accepted: Family<Of, Counter>,
    ended: Family<Outcome, Counter>,
    refused: Counter,
    images: Counter,
    loads: Counter,
    seconds: Histogram,
    requests: Family<Request, Counter>,
    pub(crate) waiting: Gauge,
    pub(crate) running: Gauge,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    interface: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    interface: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    interface: &'static str,
    status: u16,
}

impl Metrics {
    /// Nothing is counted yet.
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("sd");
        let accepted = Family::default();
        registry.register("jobs_accepted", "Jobs that were accepted", accepted.clone());
        let ended = Family::default();
        registry.register("jobs_ended", "Jobs that ended, by how: done, failed or cancelled", ended.clone());
        let refused = Counter::default();
        registry.register("jobs_refused", "Jobs that were refused because the queue was full", refused.clone());
        let images = Counter::default();
        registry.register("images", "Images that were finished", images.clone());
        let loads = Counter::default();
        registry.register("model_loads", "Models that were loaded", loads.clone());
        let seconds = Histogram::new(exponential_buckets(0.1, 2.0, 15));
        registry.register("job_seconds", "Time of jobs at the device", seconds.clone());
        let requests = Family::default();
        registry.register("http_requests", "Requests that were answered", requests.clone());
        let waiting = Gauge::default();
        registry.register("queue_length", "Jobs that wait", waiting.clone());
        let running = Gauge::default();
        registry.register("jobs_running", "Jobs at the device: 0 or 1", running.clone());
        Self { registry, accepted, ended, refused, images, loads, seconds, requests, waiting, running }
    }

    /// A job was accepted.
    pub(crate) fn accepted(&self, interface: Interface) {
        self.accepted.get_or_create(&Of { interface: interface.name() }).inc();
    }

    /// A job was refused because the queue was full.
    pub(crate) fn refused(&self) {
        self.refused.inc();
    }

    /// An image was finished.
    pub(crate) fn image(&self) {
        self.images.inc();
    }

    /// Models were loaded.
    pub(crate) fn loaded(&self, models: u64) {
        self.loads.inc_by(models);
    }

    /// A job ended after so long at the device.
    pub(crate) fn ended(&self, interface: Interface, outcome: &'static str, spent: Duration) {
        self.ended.get_or_create(&Outcome { interface: interface.name(), outcome }).inc();
        self.seconds.observe(spent.as_secs_f64());
    }

    /// A request was answered.
    pub(crate) fn answered(&self, interface: Interface, status: u16) {
        self.requests.get_or_create(&Request { interface: interface.name(), status }).inc();
    }

    /// The text that Prometheus reads.
    pub(crate) fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
