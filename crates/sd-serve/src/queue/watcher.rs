use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use sd_engine::Job;
use sd_image::Format;

use super::Event;
use super::live::Orders;
use super::shared::Shared;
use super::view::{Drawing, Phase};
use crate::artist::Step;
use crate::id::JobId;

/// The least time between previews.
const PREVIEW: Duration = Duration::from_millis(500);

/// Follows the drawing of an image, perhaps with the next ones: tells how far it is, and ends it when that is asked.
pub struct Watcher {
    shared: Arc<Shared>,
    id: JobId,
    pub job: Arc<Job>,
    /// The images that are to be drawn, at least one.
    pub images: Vec<u64>,
    /// How many of them are drawn now, as far as is known.
    together: usize,
    orders: Arc<Orders>,
    /// When the image began.
    began: Instant,
    /// When the job's time is over.
    late: Instant,
    /// When there may be the next preview.
    preview: Instant,
    /// Previews of the image that the client ordered and has: it is drawn alone.
    partials: usize,
    /// Whether the images are drawn.
    is_drawn: bool,
    /// Why the image ended early.
    pub ended: Option<Ended>,
}

/// Why no image follows.
#[derive(Debug)]
pub enum Ended {
    /// None is missing.
    Done,
    /// The images are left out.
    Skipped,
    /// The job is cancelled.
    Cancelled,
    /// The job failed.
    Failed { message: String, usage: bool },
    /// The server stops.
    Left,
}

impl Watcher {
    /// Follows the next image that a job misses; none if none is missing.
    pub fn new(shared: &Arc<Shared>, id: &JobId) -> Option<Self> {
        let mut state = shared.lock();
        let job = state.jobs.get(id)?;
        // Ordered previews are of one image after another.
        let most = if job.partials.is_some_and(|partials| partials > 0) { 1 } else { usize::MAX };
        let images: Vec<u64> = job.missing.iter().copied().take(most).collect();
        let image = *images.first()?;
        let began = Instant::now();
        let watcher = Self {
            shared: Arc::clone(shared),
            id: id.clone(),
            job: Arc::clone(&job.job),
            images,
            together: 1,
            orders: Arc::clone(&job.orders),
            began,
            late: began + shared.options.limits.job.saturating_sub(job.spent),
            preview: began,
            partials: 0,
            is_drawn: false,
            ended: None,
        };
        job.show(Phase::Loading);
        if let Some(running) = &mut state.running {
            (running.image, running.images, running.call, running.calls) = (image, 1, 0, 0);
        }
        Some(watcher)
    }

    /// The images that are drawn now.
    pub fn drawing(&self) -> &[u64] {
        &self.images[..self.together]
    }

    /// The first so many images are drawn.
    pub fn drawn(&mut self, images: usize) {
        (self.is_drawn, self.together) = (true, images);
    }

    /// Why the image is not to be drawn further.
    pub fn wish(&self) -> Option<Ended> {
        if self.orders.cancel.load(Ordering::Relaxed) {
            return Some(Ended::Cancelled);
        }
        if self.orders.skip.load(Ordering::Relaxed) {
            return Some(Ended::Skipped);
        }
        if Instant::now() >= self.late {
            let seconds = self.shared.options.limits.job.as_secs_f64();
            let message = format!("the job took longer than the {seconds} seconds that this server allows");
            return Some(Ended::Failed { message, usage: false });
        }
        self.shared.lock().is_over().then_some(Ended::Left)
    }

    /// Follows a call of the network.
    pub fn step(&mut self, step: &Step<'_>) -> ControlFlow<()> {
        self.together = step.images;
        self.ended = self.wish();
        if self.ended.is_some() {
            return ControlFlow::Break(());
        }
        let preview = self.wants_preview(step).then(|| (step.preview)()).flatten();
        let preview = preview.and_then(|image| image.encode(Format::Png, &[]).ok()).map(Arc::new);
        self.show(step, preview);
        ControlFlow::Continue(())
    }

    /// Whether a preview is due: one that the client ordered, or one for those who watch. The last call is followed by the image.
    fn wants_preview(&mut self, step: &Step<'_>) -> bool {
        if step.call >= step.calls {
            return false;
        }
        let state = self.shared.lock();
        let Some(job) = state.jobs.get(&self.id) else { return false };
        if let Some(partials) = job.partials {
            return self.partials < partials && step.call * (partials + 1) >= step.calls * (self.partials + 1);
        }
        let now = Instant::now();
        let watched = job.is_watched() || state.previews_until.is_some_and(|until| now < until);
        if !watched || now < self.preview {
            return false;
        }
        self.preview = now + PREVIEW;
        true
    }

    fn show(&mut self, step: &Step<'_>, preview: Option<Arc<Vec<u8>>>) {
        let mut state = self.shared.lock();
        let pace = state.pace.seconds(1);
        let Some(job) = state.jobs.get_mut(&self.id) else { return };
        let seconds_left = self.seconds_left(step, pace, job.missing.len().saturating_sub(step.images));
        let (image, images, call, calls) = (self.images[0], step.images as u64, step.call, step.calls);
        if let Some(preview) = preview.clone() {
            self.partials += 1;
            job.previews += 1;
            if job.partials.is_some() {
                let event = Event::Step { image, images, call, calls, seconds_left, preview: Some(preview) };
                job.view.send_modify(|view| Arc::make_mut(&mut view.told).push(event));
            }
        }
        let number = job.previews;
        let timed = preview.clone().filter(|_| job.partials.is_none()).map(|png| (number, png));
        job.view.send_modify(|view| {
            let last = match &view.phase {
                Phase::Drawing(drawing) if drawing.image == image => drawing.preview.clone(),
                _ => None,
            };
            let preview = timed.or(last);
            view.phase = Phase::Drawing(Drawing { image, images, call, calls, seconds_left, preview });
        });
        if let Some(running) = &mut state.running {
            (running.images, running.call, running.calls) = (images, call, calls);
            running.seconds_left = seconds_left;
            running.preview = preview.or(running.preview.take());
        }
    }

    /// The rest of these images at their own pace, and `more` at that of those before.
    fn seconds_left(&self, step: &Step<'_>, pace: Option<f64>, more: usize) -> Option<f64> {
        let spent = self.began.elapsed().as_secs_f64();
        let whole = spent / step.done;
        Some(whole - spent + more as f64 * pace.unwrap_or(whole / step.images as f64))
    }

    /// Keeps what the images took: for the job's limit, and if they are drawn for those that wait.
    pub fn finish(&self) {
        let time = self.began.elapsed();
        let mut state = self.shared.lock();
        if self.is_drawn {
            state.pace.add(time / self.together as u32);
        }
        if let Some(job) = state.jobs.get_mut(&self.id) {
            job.spent += time;
        }
    }
}
