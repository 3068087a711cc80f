use crate::catalogue::options::Values;
use crate::{
    BrownianNoise, CATALOGUE, Convention, Noise, OptionError, OptionRange, Sampler, SamplerOption, SamplerSettings,
    TorchNoise,
};

/// A sampler of the catalogue.
#[derive(Debug)]
pub struct SamplerInfo {
    /// Name, in lower case.
    pub name: &'static str,
    /// Order of convergence: of the image's error for deterministic samplers, of the mean's and the variance's for
    /// stochastic ones; none if more steps do not lead to the data's distribution.
    pub order: Option<usize>,
    /// Network calls per step, the least if the sampler [is adaptive](Sampler::is_adaptive); the first and the last step may
    /// differ, see [`Sampler::calls`].
    pub calls: usize,
    /// The noise it draws with its default options.
    pub fresh: FreshNoise,
    /// The levels it visits when only the number of steps is given.
    pub convention: Convention,
    /// Paper or program of origin.
    pub source: &'static str,
    /// The options.
    pub options: &'static [OptionRange],
    /// Makes the sampler from checked options.
    pub(crate) make: fn(&SamplerSettings, &Values) -> Box<dyn Sampler>,
}

/// The kind of fresh noise that a sampler draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FreshNoise {
    /// None: the sampler is deterministic.
    Never,
    /// Independent noise in each step: the image changes with the number of steps.
    Steps,
    /// The increments of a Brownian path: with more steps the image converges. See [`BrownianNoise`](crate::BrownianNoise).
    Path,
}

impl FreshNoise {
    /// Makes the noise source for a sampler of this kind: PyTorch's noise of the seed, or the Brownian path of the seed,
    /// whose images start from PyTorch's noise too.
    pub fn of_seed(self, seed: u64) -> Box<dyn Noise> {
        match self {
            Self::Path => Box::new(BrownianNoise::new(seed)),
            Self::Never | Self::Steps => Box::new(TorchNoise::new(seed)),
        }
    }
}

impl SamplerInfo {
    /// Whether the sampler has an option.
    pub fn has(&self, option: SamplerOption) -> bool {
        self.options.iter().any(|range| range.option == option)
    }

    /// Makes the sampler with the given settings.
    ///
    /// # Errors
    ///
    /// [`OptionError`] for an option that the sampler does not have, or a value outside its range.
    pub fn make(&self, setting: &SamplerSettings) -> Result<Box<dyn Sampler>, OptionError> {
        let others = |option| CATALOGUE.iter().filter(|info| info.has(option)).map(|info| info.name).collect();
        let values = Values::check(self.name, self.options, &setting.options, others)?;
        Ok((self.make)(setting, &values))
    }
}
