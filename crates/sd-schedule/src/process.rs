use crate::{Flow, NoiseSchedule, Prediction, input_scale};

/// How a model's training mixes images with noise: the time and input that the network receives at each noise level, and the
/// meaning of its output.
///
/// Samplers and [`NoiseLevels`](crate::NoiseLevels) are in variance-exploding form, `x = x0 + sigma·eps`, whatever the process.
/// A new process is a new variant here and touches no sampler.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Process {
    /// Variance-preserving diffusion (Ho et al. 2020): the network sees `sqrt(alpha_bar)·x0 + sqrt(1 − alpha_bar)·eps` and a
    /// timestep of its training.
    VariancePreserving {
        /// `alpha_bar` at each timestep.
        schedule: NoiseSchedule,
        /// What the network predicts.
        prediction: Prediction,
    },
    /// Rectified flow.
    RectifiedFlow(Flow),
}

impl Process {
    /// The time that the network receives at noise level `sigma ≥ 0`: in `[0, len − 1]` for timesteps, in `[0, timesteps]`
    /// for flow.
    pub fn t(&self, sigma: f64) -> f64 {
        match self {
            Self::VariancePreserving { schedule, .. } => schedule.t(sigma),
            Self::RectifiedFlow(flow) => Flow::time(sigma) * flow.timesteps as f64,
        }
    }

    /// The noise level at time `t`, the inverse of [`t`](Self::t).
    pub fn sigma(&self, t: f64) -> f64 {
        match self {
            Self::VariancePreserving { schedule, .. } => schedule.sigma(t),
            Self::RectifiedFlow(flow) => Flow::sigma(t / flow.timesteps as f64),
        }
    }

    /// The factor that turns a variance-exploding `x` into the network's input: `1/sqrt(1 + sigma²)`, or `1/(1 + sigma)` for flow.
    pub fn input_scale(&self, sigma: f64) -> f64 {
        match self {
            Self::VariancePreserving { .. } => input_scale(sigma),
            Self::RectifiedFlow(_) => 1.0 / (1.0 + sigma),
        }
    }

    /// The numbers around a network's call at noise level `sigma ≥ 0`. With `whole_timesteps` its time is rounded, as k-diffusion's
    /// `quantize` does.
    pub fn preconditioning(&self, sigma: f64, whole_timesteps: bool) -> Preconditioning {
        let t = self.t(sigma);
        let t = if whole_timesteps { t.round_ties_even() } else { t };
        let (c_skip, c_out) = self.prediction().coefficients(sigma);
        Preconditioning { t, c_in: self.input_scale(sigma), c_skip, c_out }
    }

    /// What the network predicts.
    pub fn prediction(&self) -> Prediction {
        match self {
            Self::VariancePreserving { prediction, .. } => *prediction,
            Self::RectifiedFlow(_) => Prediction::Flow,
        }
    }

    /// Number of timesteps of the training.
    pub fn timesteps(&self) -> usize {
        match self {
            Self::VariancePreserving { schedule, .. } => schedule.len(),
            Self::RectifiedFlow(flow) => flow.timesteps,
        }
    }

    /// The smallest noise level of the training, above 0.
    pub fn sigma_min(&self) -> f64 {
        match self {
            Self::VariancePreserving { schedule, .. } => schedule.sigma_min(),
            Self::RectifiedFlow(_) => self.sigma(1.0),
        }
    }
}

/// What turns a network into a denoiser at one noise level (Karras et al. 2022, table 1): the clean image is
/// `c_skip·x + c_out·network(c_in·x, t)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Preconditioning {
    /// The time that the network receives.
    pub t: f64,
    /// Factor on its input.
    pub c_in: f64,
    /// Share of the noisy image in the clean one.
    pub c_skip: f64,
    /// Factor on its output.
    pub c_out: f64,
}

/// Variance-preserving diffusion with this schedule, for a network that predicts `eps`.
impl From<NoiseSchedule> for Process {
    fn from(schedule: NoiseSchedule) -> Self {
        Self::VariancePreserving { schedule, prediction: Prediction::Eps }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BetaSchedule;

    fn processes() -> [Process; 2] {
        let betas = BetaSchedule::ScaledLinear.betas(1000, 0.00085, 0.012).unwrap();
        let schedule = NoiseSchedule::from_betas(&betas).unwrap();
        [schedule.into(), Process::RectifiedFlow(Flow { timesteps: 1000, shift: 3.0 })]
    }

    /// The two parts of the training's mixture are known for either process.
    #[test]
    fn the_scaled_input_is_the_mixture_of_the_training() {
        let (x0, eps) = (0.7, -1.3);
        let [diffusion, flow] = processes();
        for sigma in [0.05, 1.0, 12.0] {
            let x = x0 + sigma * eps;
            let alpha_bar: f64 = 1.0 / (1.0 + sigma * sigma);
            let mixed = alpha_bar.sqrt() * x0 + (1.0 - alpha_bar).sqrt() * eps;
            assert!((x * diffusion.input_scale(sigma) - mixed).abs() < 1e-12);
            let t = flow.t(sigma) / 1000.0;
            assert!((x * flow.input_scale(sigma) - ((1.0 - t) * x0 + t * eps)).abs() < 1e-12);
        }
    }

    #[test]
    fn t_and_sigma_are_each_others_inverse() {
        for process in processes() {
            for t in [1.0, 250.5, 999.0] {
                assert!((process.t(process.sigma(t)) - t).abs() < 1e-9, "{process:?} at {t}");
            }
        }
    }
}
