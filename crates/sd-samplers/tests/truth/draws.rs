//! Stochastic samplers on data without a formula for their results: many images of a mixture, against its moments.

use burn::tensor::Device;
use sd_exact::{Mixture, evenly_in_t, points};
use sd_samplers::{TorchNoise, sample};

use crate::rows::{Row, assert_none, stochastic};

const IMAGES: usize = 4000;

/// Statistics of many images: name, measured and exact value, and the distance in standard errors.
fn statistics(drawn: &[[f64; 2]], exact: &Mixture) -> Vec<(String, f64, f64, f64)> {
    let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / drawn.len() as f64;
    let statistic = |name: String, values: Vec<f64>, exact: f64| {
        let found = mean(&mut values.iter().copied());
        let variance = mean(&mut values.iter().map(|v| (v - found).powi(2)));
        (name, found, exact, (found - exact).abs() / (variance / drawn.len() as f64).sqrt())
    };
    let (m, c) = (exact.mean(), exact.covariance());
    let means = (0..2).map(|i| statistic(format!("mean {i}"), drawn.iter().map(|x| x[i]).collect(), m[i]));
    let products = [(0, 0), (0, 1), (1, 1)].map(|(i, j)| {
        let values = drawn.iter().map(|x| (x[i] - m[i]) * (x[j] - m[j])).collect();
        statistic(format!("covariance {i} {j}"), values, c[i][j])
    });
    means.chain(products).collect()
}

#[test]
fn stochastic_samplers_draw_the_mean_and_the_covariance_of_a_mixture() {
    let (data, levels, device) = (Mixture::ring(), evenly_in_t(100), Device::flex());
    let mut failures = Vec::new();
    for Row { name, fresh, sampler, .. } in stochastic().filter(|row| row.order.is_some() || row.name == "restart") {
        let mut noise = TorchNoise::new(1);
        let x = data.marginal(levels.first()).draw(IMAGES, &mut noise, &device);
        let drawn = sample(&sampler, &mut data.denoiser(), &mut *fresh.of_seed(2), x, &levels).unwrap();
        for (statistic, found, exact, errors) in statistics(&points(drawn), &data.marginal(levels.last())) {
            let figures =
                format!("{name}: {statistic} is {found:.4} instead of {exact:.4}, {errors:.1} standard errors");
            println!("{figures}");
            if errors > 4.5 {
                failures.push(figures);
            }
        }
    }
    assert_none(failures);
}
