use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use sd_engine::Job;
use tokio::sync::watch;

use super::event::Event;
use super::finished::Basket;
use super::how::How;
use super::ticket::Ticket;
use super::view::{Phase, View};
use crate::client::Client;
use crate::id::JobId;
use crate::store::{JobRecord, Unfinished};

/// A job that is not finished.
pub struct Live {
    pub id: JobId,
    pub client: Client,
    pub job: Arc<Job>,
    /// Images that are missing.
    pub missing: BTreeSet<u64>,
    /// Previews of each image that the client ordered; none leaves them to whoever listens.
    pub partials: Option<usize>,
    /// Finished images, kept for a client that waits for them.
    pub basket: Option<Basket>,
    /// What can be seen.
    pub view: watch::Sender<View>,
    /// What it is told.
    pub orders: Arc<Orders>,
    /// Previews so far.
    pub previews: u64,
    /// Time at the device.
    pub spent: Duration,
}

/// What a job is told while it is drawn.
#[derive(Default)]
pub struct Orders {
    /// To end.
    pub cancel: AtomicBool,
    /// To leave out the images that are drawn now.
    pub skip: AtomicBool,
    /// How many watch and want previews.
    pub watchers: AtomicUsize,
}

impl Live {
    /// A job that was just accepted.
    pub fn new(record: &JobRecord, job: Job, how: &How) -> Self {
        Self {
            id: record.id.clone(),
            client: record.client.clone(),
            job: Arc::new(job),
            missing: (0..record.count).collect(),
            partials: how.partials(),
            basket: how.is_attached().then(Basket::default),
            view: watch::Sender::new(View::new(Vec::new())),
            orders: Arc::default(),
            previews: 0,
            spent: Duration::ZERO,
        }
    }

    /// A job that an earlier process accepted.
    pub fn resumed(Unfinished { record, job, images }: Unfinished) -> Self {
        let mut live = Self::new(&record, job, &How::Kept { key: None });
        for image in images {
            live.add(image.id.index, Event::Image { index: image.id.index, seed: image.seed, id: image.id });
        }
        for index in record.skipped {
            live.add(index, Event::Skipped { index });
        }
        live
    }

    /// Shows what the job does.
    pub fn show(&self, phase: Phase) {
        self.view.send_modify(|view| view.phase = phase);
    }

    /// Notes what became of an image.
    pub fn add(&mut self, index: u64, outcome: Event) {
        self.missing.remove(&index);
        self.view.send_modify(|view| Arc::make_mut(&mut view.told).push(outcome));
    }

    /// Whether somebody wants previews as time passes.
    pub fn is_watched(&self) -> bool {
        self.partials.is_none() && self.orders.watchers.load(Ordering::Relaxed) > 0
    }

    /// What its client holds.
    pub fn ticket(&self, warnings: Vec<String>) -> Ticket {
        Ticket::new(self.id.clone(), warnings, self.view.subscribe(), self.basket.clone())
    }
}
