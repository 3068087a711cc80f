use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::time::Duration;

use async_nats::jetstream::object_store::Watch;
use futures_util::StreamExt;
use tokio::time::{Instant, timeout_at};

use super::fetch::{fetch_all, is_image};
use super::rate::Rate;
use super::workers::Workers;
use super::{WatchOptions, Watched};
use crate::item::object_name;
use crate::nats::patience::{Stop, pause};
use crate::nats::queue::Queue;
use crate::{BatchError, Failed, Item};

/// How often the state is told.
const EVERY: Duration = Duration::from_millis(500);

/// Images that are fetched before the state is told again.
const AT_ONCE: usize = 64;

/// Watches one queue.
pub struct Watcher<'a> {
    queue: Queue,
    options: &'a WatchOptions<'a>,
    workers: Workers,
    /// The images that are wanted, and their files; none if all are.
    wanted: Option<HashMap<String, Vec<PathBuf>>>,
    done: HashSet<String>,
    /// Drawn, but not in the folder.
    unfetched: Vec<String>,
    dead: HashSet<String>,
    rate: Rate,
    state: Watched,
}

impl<'a> Watcher<'a> {
    pub fn new(queue: Queue, options: &'a WatchOptions<'a>, workers: Workers) -> Self {
        let wanted = options.items.map(|items| {
            let mut wanted: HashMap<String, Vec<PathBuf>> = HashMap::new();
            for item in items {
                let files = wanted.entry(object_name(item.id(), options.format)).or_default();
                files.extend(options.folder.map(|folder| item.path(folder, options.format)));
            }
            wanted
        });
        let (done, unfetched, dead) = Default::default();
        let (rate, state) = (Rate::default(), Watched::default());
        let mut watcher = Self { queue, options, workers, wanted, done, unfetched, dead, rate, state };
        // What was fetched before may have left the store since.
        let here = watcher
            .wanted
            .iter()
            .flatten()
            .filter(|(_, files)| !files.is_empty() && files.iter().all(|file| file.exists()));
        watcher.done = here.map(|(object, _)| object.clone()).collect();
        watcher
    }

    /// Watches until all is over, or until `stop`.
    pub async fn run(mut self, stop: Stop<'_>, report: &mut dyn FnMut(&Watched)) -> Result<Watched, BatchError> {
        let (mut news, mut generation) = (None, self.queue.connection.generation());
        // Twice in a row: a job leaves the queue after its image is stored, and news of the image come later still.
        let mut empty_for = 0;
        while !stop() {
            if self.queue.connection.generation() != generation || news.is_none() {
                generation = self.queue.connection.generation();
                news = self.queue.images.watch_with_history().await.ok();
            }
            match &mut news {
                Some(watch) => {
                    if !self.listen(watch).await {
                        news = None;
                    }
                }
                None => pause(stop).await,
            }
            self.fetch().await?;
            let Some(messages) = self.count().await else { continue };
            empty_for = if messages == 0 { empty_for + 1 } else { 0 };
            if empty_for == 2 {
                let names = self.queue.object_names().await?;
                names.into_iter().for_each(|name| self.drawn(name));
                self.fetch().await?;
                self.update();
            }
            report(&self.state);
            let is_fetched = self.unfetched.is_empty();
            if is_fetched && (self.wanted.is_some() && self.state.open == 0 || empty_for >= 2) {
                break;
            }
        }
        self.end(!stop()).await
    }

    /// Hears of images for a while. False if nothing more will come.
    async fn listen(&mut self, news: &mut Watch) -> bool {
        let until = Instant::now() + EVERY;
        while self.unfetched.len() < AT_ONCE {
            match timeout_at(until, news.next()).await {
                Ok(Some(Ok(info))) if info.deleted => {}
                Ok(Some(Ok(info))) => self.drawn(info.name),
                Ok(Some(Err(_)) | None) => return false,
                Err(_) => return true,
            }
        }
        true
    }

    /// An image is in the store.
    fn drawn(&mut self, object: String) {
        let is_wanted = self.wanted.as_ref().map_or_else(|| is_image(&object), |wanted| wanted.contains_key(&object));
        if is_wanted && self.done.insert(object.clone()) && self.options.folder.is_some() {
            self.unfetched.push(object);
        }
    }

    /// Fetches images. What cannot be fetched now is tried again.
    async fn fetch(&mut self) -> Result<(), BatchError> {
        let Some(folder) = self.options.folder else { return Ok(()) };
        let files = |object: &String| match &self.wanted {
            Some(wanted) => wanted[object].clone(),
            None => vec![folder.join(object)],
        };
        let open = std::mem::take(&mut self.unfetched).into_iter().map(|object| (files(&object), object)).collect();
        let (fetched, missing) = fetch_all(&self.queue, open).await?;
        self.state.fetched += fetched;
        self.unfetched = missing;
        Ok(())
    }

    /// Asks the server. Returns the number of jobs in the queue; none if it does not answer.
    async fn count(&mut self) -> Option<u64> {
        let messages = self.queue.jobs.get_info().await.ok()?.state.messages;
        let running = self.queue.workers.get_info().await.ok()?.num_ack_pending;
        self.dead = self.queue.dead().await.ok()?;
        self.state.running = running;
        self.state.queued = (messages as usize).saturating_sub(running);
        self.update();
        Some(messages)
    }

    fn update(&mut self) {
        let is_dead = |object: &&String| !self.done.contains(*object);
        self.state.done = self.done.len();
        (self.state.dead, self.state.open) = match &self.wanted {
            Some(wanted) => {
                let dead = wanted.keys().filter(is_dead).filter(|object| self.dead.contains(*object)).count();
                (dead, wanted.len() - self.done.len() - dead)
            }
            None => (self.dead.iter().filter(is_dead).count(), self.state.queued + self.state.running),
        };
        self.state.per_second = self.rate.at(self.done.len());
        self.state.workers = self.workers.now();
    }

    /// Collects the reasons of failures.
    async fn end(mut self, is_over: bool) -> Result<Watched, BatchError> {
        self.state.is_over = is_over;
        let dead: Vec<String> = self.dead.iter().filter(|object| !self.done.contains(*object)).cloned().collect();
        let mut reasons = HashMap::new();
        for object in dead {
            if self.wanted.as_ref().is_none_or(|wanted| wanted.contains_key(&object)) {
                let reason = self.queue.obituary(&object).await.map_or("unknown".into(), |obituary| obituary.reason);
                reasons.insert(object, reason);
            }
        }
        let Some(items) = self.options.items else {
            self.state.given_up = reasons.into_iter().collect();
            self.state.given_up.sort();
            return Ok(self.state);
        };
        let failed = |item: &Item| {
            let reason = reasons.get(&object_name(item.id(), self.options.format))?.clone();
            Some(Failed { item: item.clone(), reason })
        };
        self.state.failed = items.iter().filter_map(failed).collect();
        match self.state.open {
            open if is_over && open > 0 => {
                let reason = "they are neither queued, drawn nor given up: send the jobs again";
                Err(self.queue.connection.error(&format!("images that are nowhere: {open}"), reason))
            }
            _ => Ok(self.state),
        }
    }
}
