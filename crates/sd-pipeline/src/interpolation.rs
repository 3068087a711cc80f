use sd_samplers::slerp;

use crate::noises::{Noises, Source};
use crate::pipeline::Pipeline;
use crate::plan::Plan;
use crate::{Error, Latents};

impl Pipeline {
    /// The standard normal noise from which the image of a plan starts: that of its seed, or its own
    /// [`latents`](Plan::latents).
    ///
    /// # Errors
    ///
    /// [`Error::Backend`] if the device fails to return it.
    pub fn first_noise(&self, plan: &Plan) -> Result<Latents, Error> {
        let mut seeds = Source::Seeds(Noises::of_seeds(&[plan]));
        Latents::read(seeds.start(&[plan], plan.settings.latent_shape, &self.device)?)
    }
}

impl Latents {
    /// Noise on the arc from this noise to another: `t` 0 is this one, and 1 is `to` (Song et al. 2021, section 5.3).
    ///
    /// A deterministic sampler draws images from it that change gradually with `t`.
    ///
    /// # Panics
    ///
    /// Panics if the shapes differ.
    pub fn slerp(&self, to: &Self, t: f64) -> Self {
        assert_eq!(self.shape, to.shape, "latents of different shapes");
        Self { values: slerp(&self.values, &to.values, t), shape: self.shape }
    }
}
