use std::ops::ControlFlow;
use std::thread::{self, JoinHandle};

use burn::tensor::Tensor;
use sd_samplers::{Denoiser, Stop};

use crate::{Error, panic_words};

/// One call of the network, seen while a picture is drawn.
#[derive(Debug)]
pub struct Step<'a> {
    /// Which call this was, from 1.
    pub call: usize,
    /// How many calls the picture takes; some samplers make more than one per step.
    pub calls: usize,
    /// The noise level it was made at.
    pub sigma: f64,
    /// What the network expects the clean latents to be: `[pictures, channels, height/8, width/8]`, or
    /// `[pictures, 3, height, width]` in pixels, before they are clipped.
    pub denoised: &'a Tensor<4>,
}

/// A denoiser that reports every call, stops when told to, and stops when numbers are no longer finite.
pub(crate) struct Watched<'a, D> {
    pub model: D,
    pub watch: &'a mut dyn FnMut(&Step) -> ControlFlow<()>,
    pub calls: usize,
    pub call: usize,
    /// Reads a number that is finite if the last call's output was, and is waited for a call later, so that a graphics card
    /// has that call to compute meanwhile. A read that began only then would wait for all that it was given since.
    pending: Option<JoinHandle<Result<f32, Error>>>,
}

impl<'a, D: Denoiser> Watched<'a, D> {
    pub fn new(model: D, calls: usize, watch: &'a mut dyn FnMut(&Step) -> ControlFlow<()>) -> Self {
        Self { model, watch, calls, call: 0, pending: None }
    }

    /// Checks the numbers of the last call, and that the device could compute them.
    pub fn check(&mut self) -> Result<(), Error> {
        let Some(pending) = self.pending.take() else { return Ok(()) };
        let number = pending.join().map_err(|panic| Error::Backend(panic_words(&*panic)))??;
        if number.is_finite() { Ok(()) } else { Err(Error::NotFinite { call: self.call, calls: self.calls }) }
    }
}

impl<D: Denoiser> Denoiser for Watched<'_, D> {
    fn denoise(&mut self, x: Tensor<4>, sigma: f64) -> Result<Tensor<4>, Stop> {
        let denoised = self.model.denoise(x, sigma)?;
        self.check()?;
        self.call += 1;
        // Times 0, because the sum of large finite numbers may not be finite.
        let number = (denoised.clone() * 0.0).sum();
        self.pending = Some(thread::spawn(move || number.try_into_scalar::<f32>().map_err(Error::backend)));
        let step = Step { call: self.call, calls: self.calls, sigma, denoised: &denoised };
        match (self.watch)(&step) {
            ControlFlow::Continue(()) => Ok(denoised),
            ControlFlow::Break(()) => {
                Err(Error::Cancelled { what: "network call", call: self.call, calls: self.calls }.into())
            }
        }
    }
}

impl<D> Drop for Watched<'_, D> {
    /// No driver is spoken to while the program ends.
    fn drop(&mut self) {
        if let Some(pending) = self.pending.take() {
            let _ = pending.join();
        }
    }
}
