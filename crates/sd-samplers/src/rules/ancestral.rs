//! Splits the noise of a step's lower level into kept and fresh noise.

/// The standard deviations of the kept and of the fresh noise, for a step from `from` to `to` with `eta`.
///
/// Their squares add up to `to²` (Song et al. 2021, equation 16, in variance-exploding form).
pub(crate) fn split(from: f64, to: f64, eta: f64) -> (f64, f64) {
    let up = eta * to / from * ((from - to) * (from + to)).sqrt();
    // As a product, because rounding can make to² − up² negative.
    let down = ((to - up) * (to + up)).max(0.0).sqrt();
    (down, up)
}

/// As [`split`], by the exact solution of the reversed diffusion for a fixed denoised image (Lu et al. 2022b, equation 18).
///
/// It equals [`split`] for `eta` 0 and 1, and differs in between.
pub(crate) fn split_sde(from: f64, to: f64, eta: f64) -> (f64, f64) {
    if to == 0.0 {
        return (0.0, 0.0);
    }
    let eta_h = eta * (from / to).ln();
    (to * (-eta_h).exp(), to * (-(-2.0 * eta_h).exp_m1()).sqrt())
}

/// Panics if an option of an ancestral sampler is outside its range.
pub(crate) fn check(eta: f64, s_noise: f64) {
    assert!((0.0..=1.0).contains(&eta), "eta is {eta}, but must be between 0 and 1");
    assert!(s_noise >= 0.0 && s_noise.is_finite(), "s_noise is {s_noise}, but must be finite and at least 0");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_parts_of_the_noise_add_up() {
        for (from, to, eta) in [(14.6, 9.1, 1.0), (14.6, 14.5999, 0.3), (0.5, 0.03, 0.7), (2.0, 1.0, 0.0)] {
            let (down, up) = split_sde(from, to, eta);
            assert!((down.hypot(up) / to - 1.0).abs() < 1e-15, "{from} to {to}");
        }
    }

    #[test]
    fn with_eta_one_it_is_the_split_of_ddim() {
        let ((down, up), ddim) = (split_sde(3.0, 1.7, 1.0), split(3.0, 1.7, 1.0));
        assert!((down - ddim.0).abs() < 1e-15 && (up - ddim.1).abs() < 1e-15);
    }
}
