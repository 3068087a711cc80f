use crate::catalogue::options::Values;
use crate::{
    BrownianNoise, CATALOGUE, Convention, Noise, OptionError, OptionRange, Sampler, SamplerOption, SamplerSettings,
    TorchNoise,
};

/// A sampler that can be asked for by name.
#[derive(Debug)]
pub struct SamplerInfo {
    /// Its name, in lower case.
    pub name: &'static str,
    /// Order of convergence: of an image's error where it is deterministic, of the mean's and the variance's where it
    /// is not; none where more steps do not lead to the data's own distribution.
    pub order: Option<usize>,
    /// Network calls per step; the first and the last may take others, see [`Sampler::calls`].
    pub calls: usize,
    /// The noise it draws with the options it has by default.
    pub fresh: FreshNoise,
    /// The levels it visits where only their number is said.
    pub convention: Convention,
    /// Paper or program it is from.
    pub source: &'static str,
    /// Its options.
    pub options: &'static [OptionRange],
    /// Makes it, with options that have been checked.
    pub(crate) make: fn(&SamplerSettings, &Values) -> Box<dyn Sampler>,
}

/// The fresh noise of a sampler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FreshNoise {
    /// It is deterministic.
    Never,
    /// Independent noise in each step: the image changes with the number of steps.
    Steps,
    /// The increments of a Brownian path: with more steps the image converges. See [`BrownianNoise`](crate::BrownianNoise).
    Path,
}

impl FreshNoise {
    /// Where a sampler of this kind draws from: PyTorch's noise of the seed, or the Brownian path of the seed, which
    /// starts images from PyTorch's noise too.
    pub fn of_seed(self, seed: u64) -> Box<dyn Noise> {
        match self {
            Self::Path => Box::new(BrownianNoise::new(seed)),
            Self::Never | Self::Steps => Box::new(TorchNoise::new(seed)),
        }
    }
}

impl SamplerInfo {
    /// Whether it has an option.
    pub fn has(&self, option: SamplerOption) -> bool {
        self.options.iter().any(|range| range.option == option)
    }

    /// The sampler with the given setting.
    ///
    /// # Errors
    ///
    /// [`OptionError`] for an option it does not have, or outside its range.
    pub fn make(&self, setting: &SamplerSettings) -> Result<Box<dyn Sampler>, OptionError> {
        let others = |option| CATALOGUE.iter().filter(|entry| entry.has(option)).map(|entry| entry.name).collect();
        let values = Values::check(self.name, self.options, &setting.options, others)?;
        Ok((self.make)(setting, &values))
    }
}
