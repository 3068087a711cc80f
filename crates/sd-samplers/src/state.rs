use burn::tensor::{Device, Tensor, TensorData};
use sd_schedule::NoiseLevels;
use serde::{Deserialize, Serialize};

use crate::{DenoiseError, Denoiser, Evaluated, History, Noise, Sampler, StepContext};

/// An image during sampling, with everything needed to continue.
///
/// [`sample`](crate::sample) runs all steps. If you call [`advance`](Self::advance) yourself, you can inspect the image
/// between steps, save it, and resume it elsewhere. The noise has its own state: save that too if the sampler draws noise.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use sd_samplers::{Plms, SavedState, State, DenoiseError, TorchNoise};
/// use sd_schedule::{NoiseLevels, Prediction};
///
/// let mut model = |x: Tensor<4>, sigma: f64| -> Result<Tensor<4>, DenoiseError> { Ok(x / (1.0 + sigma * sigma)) };
/// let (sampler, mut noise) = (Plms::new(Prediction::Eps), TorchNoise::new(0));
/// let levels = NoiseLevels::new(vec![8.0, 4.0, 2.0, 1.0])?;
///
/// let mut state = State::new(Tensor::ones([1, 4, 8, 8], &Device::flex()) * 8.0);
/// state.advance(&sampler, &mut model, &mut noise, &levels)?;
/// let saved = serde_json::to_string(&state.save()?)?;
///
/// let mut state = serde_json::from_str::<SavedState>(&saved)?.restore(&Device::flex());
/// while state.advance(&sampler, &mut model, &mut noise, &levels)? {}
/// assert_eq!(state.steps, 3);
/// # Ok::<(), DenoiseError>(())
/// ```
#[derive(Debug, Clone)]
pub struct State {
    /// The image, `[batch, channels, height, width]`, in variance-exploding form at the level reached.
    pub x: Tensor<4>,
    /// Number of finished steps.
    pub steps: usize,
    /// The sampler's memory.
    pub history: History,
}

impl State {
    /// Makes the state before the first step from noise of standard deviation `levels.first()`,
    /// `[batch, channels, height, width]`.
    pub fn new(x: Tensor<4>) -> Self {
        Self::at(x, 0)
    }

    /// Makes the state in which the first `steps` steps are finished without a memory of them, from `x` at the level they reach. This
    /// is how drawing begins with a noisy image.
    pub fn at(x: Tensor<4>, steps: usize) -> Self {
        Self { x, steps, history: History::default() }
    }

    /// Makes the next step of `levels`. Returns false, and does nothing, if all are made.
    ///
    /// # Errors
    ///
    /// Whatever the model returns. The state then stays as it was before the step.
    ///
    /// # Panics
    ///
    /// Panics if there are fewer steps than the sampler's [`min_steps`](Sampler::min_steps).
    pub fn advance(
        &mut self,
        sampler: &dyn Sampler,
        model: &mut dyn Denoiser,
        noise: &mut dyn Noise,
        levels: &NoiseLevels,
    ) -> Result<bool, DenoiseError> {
        let (steps, least) = (levels.steps(), sampler.min_steps());
        assert!(steps >= least, "{steps} steps, but this sampler needs at least {least}");
        let Some((from, to)) = levels.pairs().nth(self.steps) else { return Ok(false) };
        let mut history = self.history.clone();
        let mut context = StepContext { model, noise, history: &mut history, step: self.steps, steps };
        self.x = sampler.step(&mut context, self.x.clone(), from, to)?;
        self.history = history;
        self.steps += 1;
        Ok(true)
    }

    /// Copies the state's values to the host, for serde.
    ///
    /// # Errors
    ///
    /// If the device fails to return them.
    pub fn save(&self) -> Result<SavedState, DenoiseError> {
        let values = |x: &Tensor<4>| x.clone().try_into_data().map_err(|error| error.to_string());
        let evaluated = |evaluated: &Evaluated| {
            Ok(SavedSeen { sigma: evaluated.sigma, x: values(&evaluated.x)?, denoised: values(&evaluated.denoised)? })
        };
        let history = self.history.evaluated().iter().map(evaluated).collect::<Result<_, DenoiseError>>()?;
        Ok(SavedState { x: values(&self.x)?, steps: self.steps, history })
    }
}

/// A [`State`] as plain values, which serde can write in any format and read back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct SavedState {
    x: TensorData,
    steps: usize,
    history: Vec<SavedSeen>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct SavedSeen {
    sigma: f64,
    x: TensorData,
    denoised: TensorData,
}

impl SavedState {
    /// Restores the state bit for bit on a device that supports its precision.
    pub fn restore(self, device: &Device) -> State {
        let tensor = |data: TensorData| {
            let dtype = data.dtype();
            Tensor::from_data(data, (device, dtype))
        };
        let evaluated = |s: SavedSeen| Evaluated { sigma: s.sigma, x: tensor(s.x), denoised: tensor(s.denoised) };
        let history = History(self.history.into_iter().map(evaluated).collect());
        State { x: tensor(self.x), steps: self.steps, history }
    }
}

/// A saved state before its shapes are checked.
#[derive(Deserialize)]
struct Unchecked {
    x: TensorData,
    steps: usize,
    history: Vec<SavedSeen>,
}

impl TryFrom<Unchecked> for SavedState {
    type Error = String;

    fn try_from(Unchecked { x, steps, history }: Unchecked) -> Result<Self, String> {
        if x.shape().len() != 4 || !x.dtype().is_float() {
            return Err(format!(
                "an image has four dimensions of floats, but this has shape {:?} of {:?}",
                x.shape(),
                x.dtype()
            ));
        }
        for other in history.iter().flat_map(|evaluated| [&evaluated.x, &evaluated.denoised]) {
            if (other.shape(), other.dtype()) != (x.shape(), x.dtype()) {
                let (found, expected) = ((other.shape(), other.dtype()), (&x.shape(), x.dtype()));
                return Err(format!("the history holds {found:?}, but the image is {expected:?}"));
            }
        }
        Ok(Self { x, steps, history })
    }
}
