use crate::{Edm, Flow, NoiseSchedule, Prediction, input_scale};

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
    /// EDM (Karras et al. 2022): the network sees the variance-exploding image, scaled to a variance of 1, and the logarithm of its level.
    Edm(Edm),
}

impl Process {
    /// The timestep of noise level `sigma ≥ 0`: in `[0, len − 1]` for timesteps and EDM, in `[0, timesteps]` for flow. But for EDM it is
    /// also the [time](Preconditioning::t) that the network receives.
    pub fn t(&self, sigma: f64) -> f64 {
        match self {
            Self::VariancePreserving { schedule, .. } => schedule.t(sigma),
            Self::RectifiedFlow(flow) => Flow::time(sigma) * flow.timesteps as f64,
            Self::Edm(edm) => edm.t(sigma),
        }
    }

    /// The noise level at timestep `t`, the inverse of [`t`](Self::t).
    pub fn sigma(&self, t: f64) -> f64 {
        match self {
            Self::VariancePreserving { schedule, .. } => schedule.sigma(t),
            Self::RectifiedFlow(flow) => Flow::sigma(t / flow.timesteps as f64),
            Self::Edm(edm) => edm.sigma(t),
        }
    }

    /// The factor that turns a variance-exploding `x` into the mixture of image and noise that the training makes, of which unfinished
    /// drawings are handed on: `1/sqrt(1 + sigma²)`, `1/(1 + sigma)` for flow, 1 for EDM.
    pub fn mixture_scale(&self, sigma: f64) -> f64 {
        match self {
            Self::VariancePreserving { .. } => input_scale(sigma),
            Self::RectifiedFlow(_) => 1.0 / (1.0 + sigma),
            Self::Edm(_) => 1.0,
        }
    }

    /// The numbers around a network's call at noise level `sigma ≥ 0`. With `whole_timesteps` its time is rounded, as k-diffusion's
    /// `quantize` does; but not for EDM, whose times are no timesteps.
    pub fn preconditioning(&self, sigma: f64, whole_timesteps: bool) -> Preconditioning {
        if let Self::Edm(edm) = self {
            let (c_skip, c_out) = edm.coefficients(sigma);
            return Preconditioning { t: edm.time(sigma), c_in: edm.c_in(sigma), c_skip, c_out };
        }
        let t = self.t(sigma);
        let t = if whole_timesteps { t.round_ties_even() } else { t };
        let (c_skip, c_out) = self.blended().coefficients(sigma);
        Preconditioning { t, c_in: self.mixture_scale(sigma), c_skip, c_out }
    }

    /// The prediction that samplers such as PLMS blend: what the network predicts, but for EDM the noise.
    pub fn blended(&self) -> Prediction {
        match self {
            Self::VariancePreserving { prediction, .. } => *prediction,
            Self::RectifiedFlow(_) => Prediction::Flow,
            Self::Edm(_) => Prediction::Eps,
        }
    }

    /// Number of timesteps of the training.
    pub fn timesteps(&self) -> usize {
        match self {
            Self::VariancePreserving { schedule, .. } => schedule.len(),
            Self::RectifiedFlow(flow) => flow.timesteps,
            Self::Edm(edm) => edm.timesteps(),
        }
    }

    /// The smallest noise level of the training, above 0.
    pub fn sigma_min(&self) -> f64 {
        match self {
            Self::VariancePreserving { schedule, .. } => schedule.sigma_min(),
            Self::RectifiedFlow(_) => self.sigma(1.0),
            Self::Edm(edm) => edm.sigma_min(),
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

    fn processes() -> [Process; 3] {
        let betas = BetaSchedule::ScaledLinear.betas(1000, 0.00085, 0.012).unwrap();
        let schedule = NoiseSchedule::from_betas(&betas).unwrap();
        [schedule.into(), Process::RectifiedFlow(Flow { timesteps: 1000, shift: 3.0 }), Process::Edm(Edm::default())]
    }

    /// The two parts of the training's mixture are known for every process.
    #[test]
    fn the_scaled_input_is_the_mixture_of_the_training() {
        let (x0, eps) = (0.7, -1.3);
        let [diffusion, flow, edm] = processes();
        for sigma in [0.05, 1.0, 12.0] {
            let x = x0 + sigma * eps;
            let alpha_bar: f64 = 1.0 / (1.0 + sigma * sigma);
            let mixed = alpha_bar.sqrt() * x0 + (1.0 - alpha_bar).sqrt() * eps;
            assert!((x * diffusion.mixture_scale(sigma) - mixed).abs() < 1e-12);
            assert_eq!(x * edm.mixture_scale(sigma), x);
            let t = flow.t(sigma) / 1000.0;
            assert!((x * flow.mixture_scale(sigma) - ((1.0 - t) * x0 + t * eps)).abs() < 1e-12);
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
