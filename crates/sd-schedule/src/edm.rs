use crate::linspace::linspace;
use crate::{NoiseLevels, Prediction, ScheduleError};

/// EDM (Karras et al. 2022, section 5): the network sees `x/sqrt(sigma² + sigma_data²)` and the time `ln(sigma)/4`, for any level above
/// 0, and predicts what is best at its level: the noise where there is little, the image where there is much.
///
/// Its levels are no timesteps. Where others count timesteps, this counts the levels of its own [`Ramp`], as diffusers does in
/// `EDMEulerScheduler`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Edm {
    sigma_data: f64,
    sigma_min: f64,
    sigma_max: f64,
    ramp: Ramp,
    timesteps: usize,
    is_velocity: bool,
}

/// How levels lie between the smallest and the largest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Ramp {
    /// Evenly in `sigma^(1/rho)` (Karras et al. 2022, equation 5).
    Karras {
        /// How densely the levels crowd at the low end: 7 in the paper.
        rho: f64,
    },
    /// Evenly in `log sigma`, as in CosXL.
    Exponential,
}

/// As in the paper: the data have a standard deviation of 0.5, and levels go from 80 to 0.002 with a `rho` of 7.
impl Default for Edm {
    fn default() -> Self {
        Self {
            sigma_data: 0.5,
            sigma_min: 0.002,
            sigma_max: 80.0,
            ramp: Ramp::Karras { rho: 7.0 },
            timesteps: 1000,
            is_velocity: false,
        }
    }
}

impl Edm {
    /// The process for data of standard deviation `sigma_data`, drawn on levels between `sigma_min` and `sigma_max`.
    ///
    /// # Errors
    ///
    /// [`ScheduleError::Edm`] for a number that is not above 0 and finite, and for a `sigma_max` that is not above `sigma_min`.
    pub fn new(sigma_data: f64, sigma_min: f64, sigma_max: f64, ramp: Ramp) -> Result<Self, ScheduleError> {
        let rho = match ramp {
            Ramp::Karras { rho } => rho,
            Ramp::Exponential => 1.0,
        };
        let above_0 = [("sigma_data", sigma_data), ("sigma_min", sigma_min), ("sigma_max", sigma_max), ("rho", rho)];
        if let Some((name, value)) = above_0.into_iter().find(|(_, value)| !(*value > 0.0 && value.is_finite())) {
            return Err(ScheduleError::Edm { name, value, least: 0.0 });
        }
        if sigma_max <= sigma_min {
            return Err(ScheduleError::Edm { name: "sigma_max", value: sigma_max, least: sigma_min });
        }
        Ok(Self { sigma_data, sigma_min, sigma_max, ramp, ..Self::default() })
    }

    /// For a network whose output has the opposite sign: diffusers' `v_prediction`. With a `sigma_data` of 1 it is the velocity of
    /// variance-preserving diffusion.
    #[must_use]
    pub fn with_velocity(self) -> Self {
        Self { is_velocity: true, ..self }
    }

    /// For a network with the output that diffusers' configs name: `epsilon` is the paper's, `v_prediction` the
    /// [opposite](Self::with_velocity). `None` for other names.
    #[must_use]
    pub fn predicting(self, name: Prediction) -> Option<Self> {
        match name {
            Prediction::Eps => Some(Self { is_velocity: false, ..self }),
            Prediction::V => Some(self.with_velocity()),
            _ => None,
        }
    }

    /// Counts the levels of its ramp as so many timesteps, at least 1; 1000 by default.
    #[must_use]
    pub fn with_timesteps(self, timesteps: usize) -> Self {
        Self { timesteps: timesteps.max(1), ..self }
    }

    /// The standard deviation of the data.
    pub fn sigma_data(&self) -> f64 {
        self.sigma_data
    }

    /// The smallest level above 0 on which images are drawn.
    pub fn sigma_min(&self) -> f64 {
        self.sigma_min
    }

    /// The largest level on which images are drawn.
    pub fn sigma_max(&self) -> f64 {
        self.sigma_max
    }

    /// How its levels lie.
    pub fn ramp(&self) -> Ramp {
        self.ramp
    }

    /// The number of timesteps as which the levels of its ramp are counted.
    pub fn timesteps(&self) -> usize {
        self.timesteps
    }

    /// Whether the network's output has the [opposite sign](Self::with_velocity).
    pub fn is_velocity(&self) -> bool {
        self.is_velocity
    }

    /// The factor on the network's input at level `sigma`, `c_in`: what it sees has a variance of 1.
    pub fn c_in(&self, sigma: f64) -> f64 {
        1.0 / sigma.hypot(self.sigma_data)
    }

    /// Returns `(c_skip, c_out)`: at level `sigma ≥ 0`, the denoised image is `c_skip·x + c_out·output`. A right output has a variance
    /// of 1 at every level.
    pub fn coefficients(&self, sigma: f64) -> (f64, f64) {
        let share = self.sigma_data * self.c_in(sigma);
        let sign = if self.is_velocity { -1.0 } else { 1.0 };
        (share * share, sign * sigma * share)
    }

    /// The time that the network receives at level `sigma`, `c_noise`; below `sigma_min` it stays that of `sigma_min`.
    pub fn time(&self, sigma: f64) -> f64 {
        sigma.max(self.sigma_min).ln() / 4.0
    }

    /// The level at timestep `t`, which may lie between two; `t` is clamped to `[0, timesteps − 1]`.
    pub fn sigma(&self, t: f64) -> f64 {
        self.at((t / self.last()).clamp(0.0, 1.0))
    }

    /// The timestep of level `sigma`, the inverse of [`sigma`](Self::sigma).
    pub fn t(&self, sigma: f64) -> f64 {
        let [low, high, here] = [self.sigma_min, self.sigma_max, sigma].map(|sigma| match self.ramp {
            Ramp::Karras { rho } => sigma.powf(1.0 / rho),
            Ramp::Exponential => sigma.ln(),
        });
        let t = ((here - low) / (high - low)).clamp(0.0, 1.0) * self.last();
        // The level of a whole timestep maps back to exactly that timestep.
        if (t - t.round()).abs() < 1e-9 { t.round() } else { t }
    }

    /// Returns the levels of `steps` steps from the largest level, followed by `last`: 0, or the smallest level, which is not
    /// repeated.
    ///
    /// # Errors
    ///
    /// [`ScheduleError::NoSteps`] for 0 steps, and those of [`NoiseLevels::new`] for a ramp on which levels do not fall.
    pub fn levels(&self, steps: usize, last: f64) -> Result<NoiseLevels, ScheduleError> {
        if steps == 0 {
            return Err(ScheduleError::NoSteps);
        }
        let mut sigmas: Vec<f64> = linspace(1.0, 0.0, steps).map(|share| self.at(share)).collect();
        if sigmas.len() == 1 || last < self.sigma_min {
            sigmas.push(last);
        }
        NoiseLevels::new(sigmas)
    }

    fn last(&self) -> f64 {
        (self.timesteps - 1).max(1) as f64
    }

    /// The level at a share of the ramp, from 0 for the smallest to 1 for the largest.
    fn at(&self, share: f64) -> f64 {
        let (low, high) = (self.sigma_min, self.sigma_max);
        match self.ramp {
            _ if share == 0.0 => low,
            _ if share == 1.0 => high,
            Ramp::Karras { rho } => {
                let [low, high] = [low, high].map(|sigma| sigma.powf(1.0 / rho));
                (low + (high - low) * share).powf(rho)
            }
            Ramp::Exponential => (low.ln() + (high / low).ln() * share).exp(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn processes() -> [Edm; 3] {
        let exponential = Edm::new(1.0, 0.002, 120.0, Ramp::Exponential).unwrap().with_velocity();
        [Edm::default(), Edm::new(0.5, 0.01, 40.0, Ramp::Karras { rho: 3.0 }).unwrap(), exponential]
    }

    /// Data with a variance of `sigma_data²` and noise have an input and a right output of variance 1, and the right output does not
    /// depend on what is already known of the image (Karras et al. 2022, appendix B.6).
    #[test]
    fn inputs_and_right_outputs_have_unit_variance() {
        for edm in processes() {
            for sigma in [0.002, 0.3, 1.0, 80.0] {
                let (data, c_in, (c_skip, c_out)) = (edm.sigma_data(), edm.c_in(sigma), edm.coefficients(sigma));
                assert!((c_in * data.hypot(sigma) - 1.0).abs() < 1e-14);
                // Of x0 and of the noise in (x0 − c_skip·x)/c_out.
                let shares = [(1.0 - c_skip) * data / c_out, c_skip * sigma / c_out];
                assert!((shares[0].hypot(shares[1]) - 1.0).abs() < 1e-12, "{edm:?} at {sigma}: {shares:?}");
                // For normal data, c_skip·x is the best denoised image, and the best output is 0.
                assert!((c_skip - data * data / (data * data + sigma * sigma)).abs() < 1e-14);
            }
        }
    }

    #[test]
    fn for_data_of_unit_variance_the_velocity_is_that_of_variance_preserving_diffusion() {
        let edm = Edm::new(1.0, 0.002, 80.0, Ramp::Exponential).unwrap().with_velocity();
        for sigma in [0.01, 1.0, 30.0] {
            let (expected, found) = (Prediction::V.coefficients(sigma), edm.coefficients(sigma));
            assert!((found.0 - expected.0).abs() < 1e-14 && (found.1 - expected.1).abs() < 1e-14, "{found:?}");
            assert!((edm.c_in(sigma) - crate::input_scale(sigma)).abs() < 1e-15);
        }
    }

    #[test]
    fn timesteps_and_levels_are_each_others_inverse() {
        for edm in processes() {
            for t in [0.0, 0.5, 1.0, 499.25, 999.0] {
                assert!((edm.t(edm.sigma(t)) - t).abs() < 1e-9, "{edm:?} at {t}");
            }
            assert_eq!((edm.t(1e9), edm.t(0.0), edm.sigma(-1.0)), (999.0, 0.0, edm.sigma_min()));
        }
    }

    #[test]
    fn levels_begin_at_the_largest_and_end_at_0_or_at_the_smallest() {
        for edm in processes() {
            for steps in [1, 2, 7] {
                let clean = edm.levels(steps, 0.0).unwrap();
                assert_eq!((clean.steps(), clean.first(), clean.last()), (steps, edm.sigma_max(), 0.0));
                let noisy = edm.levels(steps, edm.sigma_min()).unwrap();
                assert_eq!((noisy.steps(), noisy.last()), (steps.max(2) - 1, edm.sigma_min()));
            }
            assert_eq!(edm.levels(0, 0.0), Err(ScheduleError::NoSteps));
        }
    }

    #[test]
    fn wrong_numbers_are_named() {
        for (numbers, expected) in [
            ([0.0, 0.1, 1.0, 7.0], "sigma_data is 0"),
            ([0.5, f64::NAN, 1.0, 7.0], "sigma_min is NaN"),
            ([0.5, 0.1, f64::INFINITY, 7.0], "sigma_max is inf"),
            ([0.5, 0.1, 0.1, 7.0], "sigma_max is 0.1, expected a finite number above 0.1"),
            ([0.5, 0.1, 1.0, -1.0], "rho is -1"),
        ] {
            let [data, low, high, rho] = numbers;
            let error = Edm::new(data, low, high, Ramp::Karras { rho }).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
