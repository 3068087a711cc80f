//! Deterministic samplers: how fast their images approach the exact ones.

use burn::tensor::{Device, Tensor};
use sd_exact::{Component, Gaussian, Mixture, error, evenly_in_t, images, order, stable_diffusion};
use sd_samplers::Denoiser;
use sd_samplers::SamplerOption::Order;
use sd_schedule::NoiseLevels;

use crate::rows::{Row, assert_none, deterministic, figures, make};

/// Data so wide that paths bend from the first step on. Otherwise the first steps' errors do not show for a thousand steps.
fn gaussian() -> Gaussian {
    Gaussian { mean: vec![0.4, 1.0], std: vec![0.5, 4.0] }
}

/// The same for a mixture.
fn mixture() -> Mixture {
    let wide = |c: Component| Component { mean: c.mean.map(|m| 4.0 * m), std: 4.0 * c.std, ..c };
    Mixture(Mixture::ring().0.into_iter().map(wide).collect())
}

/// Calls `check` with each problem.
fn on_each(mut check: impl FnMut(&str, &mut dyn Denoiser, &Tensor<4>, &Tensor<4>)) {
    let x = images(&[[-7.0, 2.0], [3.0, 1.0], [0.5, -9.0], [6.0, 8.0], [-2.0, -4.0]], &Device::flex());
    let (from, to) = (evenly_in_t(1).first(), evenly_in_t(1).last());
    let (gaussian, mixture) = (gaussian(), mixture());
    check("a Gaussian", &mut gaussian.denoiser(), &x, &gaussian.path(x.clone(), from, to));
    check("a mixture", &mut mixture.denoiser(), &x, &mixture.path(x.clone(), from, to));
}

#[test]
fn deterministic_samplers_converge_at_their_order() {
    let mut failures = Vec::new();
    on_each(|problem, model, x, exact| {
        for Row { name, order: expected, sampler, .. } in deterministic() {
            let expected = expected.expect("a deterministic sampler has an order") as f64;
            // Order 5 is at the rounding of f64 with 320 steps.
            let steps = if expected < 5.0 { [160, 320, 640, 1280] } else { [20, 40, 80, 160] };
            let errors = steps.map(|n| (n, error(&sampler, model, x, exact, &evenly_in_t(n))));
            let found = order(&errors);
            let line = format!("{name} on {problem}: order {found:.2} of {expected} ({})", figures(&errors));
            println!("{line}");
            if (found - expected).abs() > 0.25 {
                failures.push(line);
            }
        }
    });
    assert_none(failures);
}

/// The order of multistep methods' inner steps, which their start-up and last step do not have: it shows if the steps
/// shrink towards both ends.
const STEPS: &[(&str, f64, f64)] = &[
    ("lms", 1.0, 1.0),
    ("lms", 2.0, 2.0),
    ("lms", 3.0, 3.0),
    ("lms", 4.0, 4.0),
    ("deis", 1.0, 1.0),
    ("deis", 2.0, 2.0),
    ("deis", 3.0, 3.0),
    // The corrector adds one.
    ("unipc", 1.0, 2.0),
    ("unipc", 2.0, 3.0),
    ("unipc", 3.0, 4.0),
    ("unipc-bh1", 1.0, 2.0),
    ("unipc-bh1", 2.0, 3.0),
    ("unipc-bh1", 3.0, 4.0),
];

/// `steps` steps in Stable Diffusion's `t`, from 900 to 20, the first and the last about `3/steps` of the middle ones.
fn shrinking_to_both_ends(steps: usize) -> NoiseLevels {
    let t = |i: usize| {
        let u = i as f64 / steps as f64;
        900.0 - 880.0 * u * u * (3.0 - 2.0 * u)
    };
    NoiseLevels::new((0..=steps).map(|i| stable_diffusion().sigma(t(i))).collect()).expect("they fall")
}

#[test]
fn the_steps_of_multistep_methods_have_the_requested_order() {
    let mut failures = Vec::new();
    on_each(|problem, model, x, exact| {
        for &(name, requested, expected) in STEPS {
            let sampler = make(name, &[(Order, requested)]);
            let errors = [80, 160, 320, 640].map(|n| (n, error(&sampler, model, x, exact, &shrinking_to_both_ends(n))));
            let found = order(&errors);
            let line =
                format!("{name} order {requested} on {problem}: order {found:.2} of {expected} ({})", figures(&errors));
            println!("{line}");
            if (found - expected).abs() > 0.25 {
                failures.push(line);
            }
        }
    });
    assert_none(failures);
}
