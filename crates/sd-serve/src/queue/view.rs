use std::sync::Arc;

use super::Event;

/// What can be seen of a job: the present, and all that is finished. Who looks rarely misses only steps in between.
#[derive(Debug, Clone)]
pub struct View {
    /// What it does now.
    pub phase: Phase,
    /// What is told of once, in the order in which it happened: images that are finished or left out, and previews that the client
    /// ordered.
    pub told: Arc<Vec<Event>>,
}

/// What a job does.
#[derive(Debug, Clone)]
pub enum Phase {
    /// It waits behind `position` others.
    Waiting { position: usize, seconds: Option<f64> },
    /// Its models are read.
    Loading,
    /// An image is drawn.
    Drawing(Drawing),
    /// All images are there.
    Done,
    /// It ended early.
    Failed { message: String, usage: bool },
    /// It was ended early.
    Cancelled,
    /// The server stops; the job is left to the next.
    Left,
}

/// How far an image is, or several that are drawn together.
#[derive(Debug, Clone, Default)]
pub struct Drawing {
    /// Its number in the job, or that of the first.
    pub image: u64,
    /// How many are drawn together.
    pub images: u64,
    /// Calls that are done; 0 before the first.
    pub call: usize,
    /// All calls.
    pub calls: usize,
    /// Seconds until the job is done.
    pub seconds_left: Option<f64>,
    /// The last preview, and how many came before it.
    pub preview: Option<(u64, Arc<Vec<u8>>)>,
}

impl View {
    /// A job that waits.
    pub fn new(told: Vec<Event>) -> Self {
        Self { phase: Phase::Waiting { position: 0, seconds: None }, told: Arc::new(told) }
    }
}

impl Phase {
    /// It as an event, with its preview if that is newer than `seen`; none if the server stops.
    pub fn event(&self, seen: u64) -> Option<Event> {
        Some(match self {
            Self::Waiting { position, seconds } => Event::Queued { position: *position, seconds: *seconds },
            Self::Loading => Event::Loading,
            Self::Drawing(drawing) => {
                let Drawing { image, images, call, calls, seconds_left, ref preview } = *drawing;
                let preview = preview.as_ref().filter(|(number, _)| *number > seen).map(|(_, png)| Arc::clone(png));
                Event::Step { image, images, call, calls, seconds_left, preview }
            }
            Self::Done => Event::Done,
            Self::Failed { message, .. } => Event::Failed { message: message.clone() },
            Self::Cancelled => Event::Cancelled,
            Self::Left => return None,
        })
    }

    /// Previews so far of what is drawn.
    pub fn previews(&self) -> u64 {
        match self {
            Self::Drawing(Drawing { preview: Some((number, _)), .. }) => *number,
            _ => 0,
        }
    }

    /// Its name in metrics and logs.
    pub fn name(&self) -> &'static str {
        self.event(0).map_or("left", |event| event.name())
    }

    /// Whether none follows.
    pub fn is_last(&self) -> bool {
        matches!(self, Self::Done | Self::Failed { .. } | Self::Cancelled | Self::Left)
    }
}
