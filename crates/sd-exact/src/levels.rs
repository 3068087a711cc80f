use sd_schedule::{BetaSchedule, NoiseLevels, NoiseSchedule};

/// The noise schedule of Stable Diffusion 1 and 2: a thousand timesteps, from level 0.029 to 14.6.
pub fn stable_diffusion() -> NoiseSchedule {
    let betas = BetaSchedule::ScaledLinear.betas(1000, 0.00085, 0.012).expect("known to be a schedule");
    NoiseSchedule::from_betas(&betas).expect("known to be a schedule")
}

/// Returns `steps` steps evenly spaced in [`stable_diffusion`]'s `t`, from 900 to 20, not rounded: from level 8.35 to 0.138.
///
/// These are the levels of trained networks, without the ends, where single steps would hide the order of the others.
///
/// # Panics
///
/// Panics for 0 steps.
pub fn evenly_in_t(steps: usize) -> NoiseLevels {
    let schedule = stable_diffusion();
    let t = |i: usize| 900.0 - 880.0 * i as f64 / steps as f64;
    NoiseLevels::new((0..=steps).map(|i| schedule.sigma(t(i))).collect()).expect("at least one step")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_levels_have_the_ends_that_are_documented() {
        let levels = evenly_in_t(3);
        assert_eq!(levels.steps(), 3);
        assert!((levels.first() - 8.35).abs() < 0.005, "{}", levels.first());
        assert!((levels.last() - 0.138).abs() < 0.0005, "{}", levels.last());
    }
}
