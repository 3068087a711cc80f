mod engine;

use std::ops::ControlFlow;

use sd_engine::{Drawn, Job};
use sd_image::Image;
use serde::Serialize;

/// Who draws: the engine, or a stand-in in tests. One thread owns it.
pub trait Artist: Send {
    /// Checks a job, and says what it comes to. Reads no weights.
    ///
    /// # Errors
    ///
    /// [`Failure::Usage`] if the job cannot be drawn as it is.
    fn plan(&mut self, job: &Job) -> Result<Outline, Failure>;

    /// Draws the first of these images of a job, together with as many of the next as makes that faster, having loaded what is not
    /// loaded. `watch` is told of each call of the network.
    ///
    /// # Errors
    ///
    /// Failures of the job and of the device, in any of these images; [`Failure::Cancelled`] if `watch` breaks.
    fn draw(&mut self, job: &Job, images: &[u64], watch: &mut Watch<'_>) -> Result<Vec<Drawn>, Failure>;

    /// Enlarges an image to `size`, width and height, with the network called `upscaler`, or with Lanczos. `watch` is told the share
    /// done.
    ///
    /// # Errors
    ///
    /// As [`draw`](Self::draw).
    fn upscale(
        &mut self,
        image: &Image,
        upscaler: Option<&str>,
        size: [usize; 2],
        watch: &mut dyn FnMut(f64) -> ControlFlow<()>,
    ) -> Result<Image, Failure>;

    /// Frees the memory of all models.
    fn unload(&mut self);

    /// The names of the models that are loaded.
    fn loaded(&self) -> Vec<String> {
        Vec::new()
    }
}

/// What is told of a drawing while it is made.
pub type Watch<'a> = dyn FnMut(&Step<'_>) -> ControlFlow<()> + 'a;

/// A call of the network that is done.
pub struct Step<'a> {
    /// Number of the call in all passes of the image, from 1.
    pub call: usize,
    /// All calls of the image.
    pub calls: usize,
    /// The share of the work that is done, above 0, up to 1.
    pub done: f64,
    /// How many images the call was for.
    pub images: usize,
    /// Makes a small image of what is there by now of the first. Costs time.
    pub preview: &'a dyn Fn() -> Option<Image>,
}

/// What a job comes to.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Outline {
    /// Width of the finished image in pixels.
    pub width: usize,
    /// Height likewise.
    pub height: usize,
    /// Name of the sampler.
    pub sampler: String,
    /// Guidance scale; none for models that read no text.
    pub guidance: Option<f64>,
    /// Steps of all passes of an image.
    pub steps: usize,
    /// Calls of the network for an image.
    pub calls: usize,
    /// What the user should know, a line each.
    pub warnings: Vec<String>,
    /// The plan in words, a line for each setting.
    pub text: String,
    /// The lengths of the prompts.
    pub tokens: Vec<Tokens>,
}

/// The length of a prompt, as the model's first text encoder counts it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tokens {
    /// The field of the request that holds the prompt.
    pub field: &'static str,
    /// Tokens, without those that mark beginning and end.
    pub count: usize,
    /// Parts of a fixed length into which the text encoder splits them.
    pub chunks: usize,
}

/// Why an artist did not do it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Failure {
    /// The job is wrong: one line says what, and what to do.
    #[error("{0}")]
    Usage(String),
    /// It was told to stop.
    #[error("cancelled")]
    Cancelled,
    /// The device, a file or a driver failed.
    #[error("{0}")]
    Device(String),
}
