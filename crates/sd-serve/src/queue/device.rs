use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use sd_engine::Drawn;
use sd_image::Format;

use super::finished::Finished;
use super::shared::{Entry, Shared, State};
use super::view::Phase;
use super::watcher::{Ended, Watcher};
use super::work::Work;
use super::{Event, Queue, panic_message};
use crate::artist::{Artist, Failure};
use crate::id::{ImageId, JobId};
use crate::store::{ImageRecord, JobState, now};

/// Makes an artist: at the start, and after one failed.
type Open = Box<dyn FnMut() -> Result<Box<dyn Artist>, Failure> + Send>;

/// The thread of the device.
pub(crate) struct Device {
    shared: Arc<Shared>,
    open: Open,
    artist: Option<Box<dyn Artist>>,
}

impl Device {
    /// Draws what waits in `queue` with `artist`, and once that fails with another that `open` makes.
    pub(crate) fn new(queue: &Queue, artist: Box<dyn Artist>, open: Open) -> Self {
        Self { shared: Arc::clone(&queue.0), open, artist: Some(artist) }
    }

    /// Works until the server stops.
    pub(crate) fn run(mut self) {
        while let Some(entry) = self.shared.next() {
            // On a thread of the pool, which can start parallel work without a switch of threads.
            rayon::scope(|_| match entry {
                Entry::Job(id) => self.draw_or_fail(&id),
                Entry::Work(work) => self.work(work),
            });
        }
        self.shared.leave();
    }

    /// Draws images of a job. A panic of ours is the end of the job, and not of the line.
    fn draw_or_fail(&mut self, id: &JobId) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.draw(id))) {
            let message = format!("internal error, please report it: {}", panic_message(&*panic));
            tracing::error!(job = %id, message, "a job failed");
            let state = JobState::Failed { message: message.clone() };
            self.shared.end(id, state, Phase::Failed { message, usage: false });
        }
    }

    /// Draws images of a job until it is finished or it is another client's turn.
    fn draw(&mut self, id: &JobId) {
        let began = Instant::now();
        self.shared.begin(id);
        let ended = loop {
            let Some(mut watcher) = Watcher::new(&self.shared, id) else { break Ended::Done };
            let drawn = self.draw_images(&mut watcher);
            watcher.finish();
            let image = |index: &u64| ImageId { job: id.clone(), index: *index };
            let ids = watcher.drawing().iter().map(image);
            match drawn.and_then(|drawn| ids.clone().zip(drawn).try_for_each(|(id, drawn)| self.keep(&id, drawn))) {
                Ok(()) => {}
                Err(Ended::Skipped) => ids.for_each(|id| self.skip(&id)),
                Err(ended) => break ended,
            }
            if self.shared.is_turn_over(id, began) {
                return;
            }
        };
        let (state, phase) = match ended {
            Ended::Done | Ended::Skipped => (JobState::Done, Phase::Done),
            Ended::Cancelled => (JobState::Cancelled, Phase::Cancelled),
            Ended::Failed { message, usage } => {
                (JobState::Failed { message: message.clone() }, Phase::Failed { message, usage })
            }
            // `leave` tells its client.
            Ended::Left => return,
        };
        self.shared.end(id, state, phase);
    }

    /// Draws an image, perhaps with the next ones, and encodes them with their metadata.
    fn draw_images(&mut self, watcher: &mut Watcher) -> Result<Vec<(Drawn, Vec<u8>)>, Ended> {
        if let Some(ended) = watcher.wish() {
            return Err(ended);
        }
        let artist = self.artist().map_err(|message| Ended::Failed { message, usage: false })?;
        let before = artist.loaded();
        let draw = || {
            let (job, images) = (Arc::clone(&watcher.job), watcher.images.clone());
            let drawn = artist.draw(&job, &images, &mut |step| watcher.step(step))?;
            let encoded = drawn.into_iter().map(|drawn| {
                let png = drawn.encode(Format::Png).map_err(|error| Failure::Device(error.to_string()))?;
                Ok((drawn, png))
            });
            encoded.collect::<Result<Vec<_>, _>>()
        };
        let message = match catch_unwind(AssertUnwindSafe(draw)) {
            Ok(Ok(drawn)) => {
                watcher.drawn(drawn.len());
                let loads = artist.loaded().iter().filter(|model| !before.contains(model)).count();
                self.shared.metrics.loaded(loads as u64);
                return Ok(drawn);
            }
            Ok(Err(Failure::Cancelled)) => return Err(watcher.ended.take().unwrap_or(Ended::Cancelled)),
            Ok(Err(Failure::Usage(message))) => return Err(Ended::Failed { message, usage: true }),
            Ok(Err(Failure::Device(message))) => message,
            Err(panic) => format!("internal error, please report it: {}", panic_message(&*panic)),
        };
        tracing::error!(message, "an image failed; the models are read again");
        self.discard();
        Err(Ended::Failed { message, usage: false })
    }

    /// Puts an image on disk, and tells of it.
    fn keep(&self, id: &ImageId, (drawn, png): (Drawn, Vec<u8>)) -> Result<(), Ended> {
        let mut record = ImageRecord {
            id: id.clone(),
            seq: 0,
            seed: drawn.seed,
            width: drawn.image.width,
            height: drawn.image.height,
            bytes: png.len() as u64,
            created: now(),
            parameters: drawn.parameters.clone(),
        };
        if let Err(error) = self.shared.store.add_image(&mut record, &png) {
            tracing::error!(image = %id, %error, "an image could not be put on disk");
            return Err(Ended::Failed { message: error.to_string(), usage: false });
        }
        let seed = record.seed;
        self.shared.finish_image(Finished { id: id.clone(), drawn: Arc::new(drawn), png: Arc::new(png) }, seed);
        Ok(())
    }

    fn skip(&self, id: &ImageId) {
        if let Err(error) = self.shared.store.skip_image(id) {
            tracing::error!(image = %id, %error, "that an image is left out could not be put on disk");
        }
        self.shared.add(id, Event::Skipped { index: id.index });
    }

    /// Does other work than a job.
    fn work(&mut self, Work { run, stop }: Work) {
        if stop.asked() {
            return;
        }
        // Without an artist the result's channel is dropped, and its client hears why.
        let Ok(artist) = self.artist() else { return };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(artist))) {
            tracing::error!(message = panic_message(&*panic), "work of the device failed; the models are read again");
            self.discard();
        }
    }

    /// The artist; a new one if the last failed.
    fn artist(&mut self) -> Result<&mut dyn Artist, String> {
        if self.artist.is_none() {
            let opened = catch_unwind(AssertUnwindSafe(&mut self.open));
            let opened = opened.map_err(|panic| panic_message(&*panic).to_string());
            let opened = opened.and_then(|opened| opened.map_err(|failure| failure.to_string()));
            let broken = opened.as_ref().err().cloned();
            self.shared.lock().broken.clone_from(&broken);
            self.artist = opened.ok();
            if let Some(message) = broken {
                return Err(message);
            }
        }
        Ok(&mut **self.artist.as_mut().expect("it was just made"))
    }

    /// Drops an artist that failed. What its device left behind may panic once more.
    fn discard(&mut self) {
        let artist = self.artist.take();
        if catch_unwind(AssertUnwindSafe(|| drop(artist))).is_err() {
            tracing::warn!("the failed device could not be closed");
        }
    }
}

impl Shared {
    /// Notes that a job came to the device.
    fn begin(&self, id: &JobId) {
        let mut state = self.lock();
        let State { jobs, running, .. } = &mut *state;
        *running = jobs.get(id).map(|job| super::Running {
            id: id.clone(),
            client: job.client.clone(),
            image: job.missing.first().copied().unwrap_or(0),
            images: 1,
            count: job.job.count,
            call: 0,
            calls: 0,
            seconds_left: None,
            started: jiff::Timestamp::now(),
            preview: None,
        });
    }
}
