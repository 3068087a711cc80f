use crate::ScheduleError;
use crate::linspace::linspace;

/// How the variance `beta` of each training step grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BetaSchedule {
    /// Evenly from `start` to `end` (Ho et al. 2020, section 4).
    Linear,
    /// Evenly in `sqrt(beta)`: latent diffusion's choice (Rombach et al. 2022; CompVis calls it "linear").
    ScaledLinear,
    /// From `alpha_bar(t) = cos²((t + 0.008)/1.008 · π/2)`, with each beta at most 0.999 (Nichol & Dhariwal 2021,
    /// equation 17). `start` and `end` are not used.
    SquaredCosCapV2,
    /// From `start` to `end` along the logistic function at evenly spaced points from -6 to 6 (Xu et al. 2022, GeoDiff;
    /// diffusers' "sigmoid"). It misses each end by 0.25 % of the range.
    Sigmoid,
}

impl BetaSchedule {
    /// All of them, with the name that diffusers' `beta_schedule` has for each.
    const NAMED: [(Self, &str); 4] = [
        (Self::Linear, "linear"),
        (Self::ScaledLinear, "scaled_linear"),
        (Self::SquaredCosCapV2, "squaredcos_cap_v2"),
        (Self::Sigmoid, "sigmoid"),
    ];

    /// Its name in diffusers' configs (`beta_schedule`): `linear`, `scaled_linear`, `squaredcos_cap_v2` or `sigmoid`.
    pub fn name(self) -> &'static str {
        Self::NAMED.iter().find(|(schedule, _)| *schedule == self).expect("each has a name").1
    }

    /// The schedule of this [name](Self::name), if there is one.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::NAMED.iter().find(|(_, known)| *known == name).map(|(schedule, _)| *schedule)
    }

    /// Returns `count` betas from `start` to `end`, each in `[0, 1)`.
    ///
    /// # Errors
    ///
    /// [`ScheduleError::Empty`] for a count of 0, [`ScheduleError::Beta`] if a beta falls outside `[0, 1)`.
    pub fn betas(self, count: usize, start: f64, end: f64) -> Result<Vec<f64>, ScheduleError> {
        if count == 0 {
            return Err(ScheduleError::Empty);
        }
        let betas: Vec<f64> = match self {
            Self::Linear => linspace(start, end, count).collect(),
            Self::ScaledLinear => linspace(start.sqrt(), end.sqrt(), count).map(|root| root * root).collect(),
            Self::SquaredCosCapV2 => {
                (0..count).map(|i| cosine_beta(i as f64 / count as f64, (i + 1) as f64 / count as f64)).collect()
            }
            Self::Sigmoid => linspace(-6.0, 6.0, count).map(|u| start + (end - start) / (1.0 + f64::exp(-u))).collect(),
        };
        check(&betas)?;
        Ok(betas)
    }
}

/// Refuses a table with a beta outside `[0, 1)`.
pub(crate) fn check(betas: &[f64]) -> Result<(), ScheduleError> {
    match betas.iter().position(|beta| !(0.0..1.0).contains(beta)) {
        Some(timestep) => Err(ScheduleError::Beta { timestep, value: betas[timestep] }),
        None => Ok(()),
    }
}

/// The beta that takes the cosine `alpha_bar` from the fraction `from` of the training to `to`.
fn cosine_beta(from: f64, to: f64) -> f64 {
    let alpha_bar = |u: f64| ((u + 0.008) / 1.008 * std::f64::consts::FRAC_PI_2).cos().powi(2);
    (1.0 - alpha_bar(to) / alpha_bar(from)).min(0.999)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_betas_are_evenly_spaced_and_reach_both_ends() {
        let betas = BetaSchedule::Linear.betas(5, 0.1, 0.5).unwrap();
        for (beta, expected) in betas.iter().zip([0.1, 0.2, 0.3, 0.4, 0.5]) {
            assert!((beta - expected).abs() < 1e-15, "{betas:?}");
        }
    }

    #[test]
    fn scaled_linear_betas_are_evenly_spaced_in_their_roots() {
        let betas = BetaSchedule::ScaledLinear.betas(3, 0.01, 0.09).unwrap();
        for (beta, expected) in betas.iter().zip([0.01, 0.04, 0.09]) {
            assert!((beta - expected).abs() < 1e-15, "{betas:?}");
        }
    }

    /// An integer division here once made 999 of the 1000 betas zero in four other projects.
    #[test]
    fn cosine_betas_follow_the_cosine_all_the_way() {
        let betas = BetaSchedule::SquaredCosCapV2.betas(1000, 0.0, 0.0).unwrap();
        let mut alpha_bar = 1.0;
        for (i, beta) in betas.iter().enumerate().take(990) {
            alpha_bar *= 1.0 - beta;
            let angle = |u: f64| (u + 0.008) / 1.008 * std::f64::consts::FRAC_PI_2;
            let expected = (angle((i + 1) as f64 / 1000.0).cos() / angle(0.0).cos()).powi(2);
            assert!((alpha_bar - expected).abs() < 1e-12, "timestep {i}: {alpha_bar} instead of {expected}");
        }
        assert_eq!(betas[999], 0.999);
    }

    #[test]
    fn sigmoid_betas_are_symmetric_about_the_middle_and_nearly_reach_both_ends() {
        let betas = BetaSchedule::Sigmoid.betas(1001, 0.1, 0.3).unwrap();
        assert!((betas[500] - 0.2).abs() < 1e-15);
        for (low, high) in betas.iter().zip(betas.iter().rev()) {
            assert!((low + high - 0.4).abs() < 1e-15);
        }
        let missed = 0.2 / (1.0 + 6f64.exp());
        assert!((betas[0] - 0.1 - missed).abs() < 1e-15);
    }

    #[test]
    fn a_beta_of_one_is_refused() {
        let error = BetaSchedule::Linear.betas(2, 0.1, 1.0).unwrap_err();
        assert_eq!(error, ScheduleError::Beta { timestep: 1, value: 1.0 });
    }
}
