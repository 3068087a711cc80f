//! Deterministic samplers that begin in the middle of their levels, as image-to-image does.

use burn::tensor::Device;
use sd_exact::{Gaussian, evenly_in_t, images, order};
use sd_samplers::{TorchNoise, sample_steps};

use crate::rows::{Row, assert_none, deterministic, figures};

/// The first step has no memory of those before it, and the error still falls as fast as from the beginning.
#[test]
fn samplers_converge_from_the_middle_of_their_levels() {
    let data = Gaussian { mean: vec![0.4, 1.0], std: vec![0.5, 4.0] };
    let noisy = images(&[[-7.0, 2.0], [3.0, 1.0], [0.5, -9.0], [6.0, 8.0]], &Device::flex());
    let mut failures = Vec::new();
    for Row { name, order: expected, sampler, .. } in deterministic() {
        let expected = expected.expect("a deterministic sampler has an order") as f64;
        // Order 5 is at the rounding of f64 with 320 steps.
        let steps = if expected < 5.0 { [160, 320, 640] } else { [20, 40, 80] };
        let errors = steps.map(|n| {
            let (levels, begin) = (evenly_in_t(n), n / 2);
            let sigmas = levels.sigmas();
            // Exactly on the path at the level where the steps begin.
            let x = data.path(noisy.clone(), levels.first(), sigmas[begin]);
            let exact = data.path(x.clone(), sigmas[begin], levels.last());
            let mut ignore = |_: &mut _| Ok(());
            let (model, noise) = (&mut data.denoiser(), &mut TorchNoise::new(0));
            let found =
                sample_steps(&*sampler, model, noise, x, &levels, begin..n, &mut ignore).expect("it does not fail");
            (n, f64::from((found - exact).abs().max().into_scalar::<f32>()))
        });
        let found = order(&errors);
        let line = format!("{name}: order {found:.2} of {expected} ({})", figures(&errors));
        println!("{line}");
        if found < expected - 0.3 {
            failures.push(line);
        }
    }
    assert_none(failures);
}
