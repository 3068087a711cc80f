use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use burn::tensor::Tensor;
use sd_samplers::{DenoiseError, Denoiser, Estimate};

use sd_device::panic_message;

use crate::Error;

/// A network call, reported while an image is drawn.
#[derive(Debug)]
#[non_exhaustive]
pub struct Step<'a> {
    /// The number of this call, from 1.
    pub call: usize,
    /// Number of calls for the image; some samplers make more than one per step. Of an adaptive sampler, what is expected so far.
    pub calls: usize,
    /// The share of the work for the image that is done, above 0, up to 1: calls that [reuse](crate::Reuse) something count less.
    pub done: f64,
    /// Noise level of the call.
    pub sigma: f64,
    /// The network's estimate of the clean latents, `[images, channels, height/8, width/8]`; for a model in pixels, of the
    /// image before clipping, `[images, 3, height, width]`.
    pub denoised: &'a Tensor<4>,
}

/// A finished step of the sampler.
#[derive(Debug)]
#[non_exhaustive]
pub struct StepEnd<'a> {
    /// The number of this step, from 1.
    pub step: usize,
    /// Number of steps for the image.
    pub steps: usize,
    /// Noise level after the step.
    pub sigma: f64,
    /// The noisy latents in variance-exploding form, `x0 + sigma·eps`, `[images, channels, height/8, width/8]`, or
    /// `[images, 3, height, width]` for a model in pixels. They may be changed.
    pub latents: &'a mut Tensor<4>,
}

/// A denoiser that reports every call, and stops if its callback says so or if values are no longer finite.
pub(crate) struct Watched<'a, D> {
    pub model: D,
    pub watch: &'a mut dyn FnMut(&Step) -> ControlFlow<()>,
    /// Number of calls to expect in all, after so many.
    pub calls: &'a dyn Fn(usize) -> usize,
    /// The share of the work that is done after each call; of another length if that is not known.
    done: Vec<f64>,
    pub call: usize,
    /// Whether the last call's output is finite. It is awaited one call later, so that a GPU can compute that call
    /// meanwhile.
    pending: Option<Receiver<Result<bool, Error>>>,
}

impl<'a, D: Denoiser> Watched<'a, D> {
    pub fn new(
        model: D,
        calls: &'a dyn Fn(usize) -> usize,
        done: Vec<f64>,
        watch: &'a mut dyn FnMut(&Step) -> ControlFlow<()>,
    ) -> Self {
        Self { model, watch, calls, done, call: 0, pending: None }
    }

    /// Checks that the device computed the last call and that its values are finite.
    pub fn check(&mut self) -> Result<(), Error> {
        let Some(pending) = self.pending.take() else { return Ok(()) };
        let is_finite = pending.recv().expect("every question is answered")?;
        if is_finite { Ok(()) } else { Err(Error::NotFinite { call: self.call, calls: (self.calls)(self.call) }) }
    }
}

impl<D: Denoiser> Denoiser for Watched<'_, D> {
    fn denoise(&mut self, x: Tensor<4>, sigma: f64) -> Result<Tensor<4>, DenoiseError> {
        Ok(self.estimate(x, sigma)?.denoised)
    }

    fn estimate(&mut self, x: Tensor<4>, sigma: f64) -> Result<Estimate, DenoiseError> {
        let estimate = self.model.estimate(x, sigma)?;
        self.check()?;
        self.call += 1;
        self.pending = Some(ask_whether_finite(&estimate.denoised));
        let (call, calls) = (self.call, (self.calls)(self.call));
        let done = if self.done.len() == calls { self.done[call - 1] } else { call as f64 / calls as f64 };
        let step = Step { call, calls, done, sigma, denoised: &estimate.denoised };
        match (self.watch)(&step) {
            ControlFlow::Continue(()) => Ok(estimate),
            ControlFlow::Break(()) => Err(Error::Cancelled { what: "network call", call, calls }.into()),
        }
    }
}

impl<D> Drop for Watched<'_, D> {
    /// Waits for the last readback, so that no driver is in use while the program ends.
    fn drop(&mut self) {
        if let Some(pending) = self.pending.take() {
            let _ = pending.recv();
        }
    }
}

/// Number of calls to expect of an adaptive sampler that made `call` calls in `done` of `steps` steps, and part of another: the
/// steps left go on like those made, and cannot take fewer than the `least` of all.
pub(crate) fn expected(call: usize, done: usize, steps: usize, least: usize) -> usize {
    let at_this_pace = if done == 0 { call } else { (call * steps).div_ceil(done) };
    at_this_pace.max(least)
}

/// Starts reading back whether all values are finite. Started later, the read would wait behind all work queued since. One
/// thread reads for all drawings, because CubeCL keeps memory for each thread that uses it.
fn ask_whether_finite(values: &Tensor<4>) -> Receiver<Result<bool, Error>> {
    static READER: LazyLock<Sender<Box<dyn FnOnce() + Send>>> = LazyLock::new(|| {
        let (sender, questions) = channel::<Box<dyn FnOnce() + Send>>();
        thread::spawn(move || questions.into_iter().for_each(|question| question()));
        sender
    });
    let (sender, answer) = channel();
    // Times 0, because the sum of large finite values may not be finite.
    let number = (values.clone() * 0.0).sum();
    let question = move || {
        let read = || number.try_into_scalar::<f32>().map_err(Error::backend);
        // A driver that gives up may panic.
        let number = catch_unwind(AssertUnwindSafe(read));
        let number = number.unwrap_or_else(|panic| Err(Error::Backend(panic_message(&*panic))));
        let _ = sender.send(number.map(f32::is_finite));
    };
    READER.send(Box::new(question)).expect("the reader waits for questions");
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_adaptive_sampler_is_expected_to_go_on_at_its_pace() {
        assert_eq!(expected(3, 0, 4, 22), 22);
        assert_eq!(expected(40, 0, 4, 22), 40);
        assert_eq!(expected(7, 1, 4, 22), 28);
        assert_eq!(expected(60, 2, 4, 22), 120);
        assert_eq!(expected(61, 4, 4, 22), 61);
    }
}
