/// The weights `∫₀ʰ e^(−v)·L_i(v) dv` of values at the `nodes`, where `L_i` is the polynomial in `v` that is 1 at node `i`
/// and 0 at the others.
///
/// With them, exponential integrators use evaluations at several levels in a step of length `h > 0` in `ln sigma`: the
/// polynomial through the evaluations, weighted by `e^(−v)`, is integrated exactly.
pub(crate) fn exponential_weights(nodes: &[f64], h: f64) -> Vec<f64> {
    let moments: Vec<f64> = (0..nodes.len()).map(|k| moment(k, h)).collect();
    (0..nodes.len()).map(|i| lagrange(nodes, i).iter().zip(&moments).map(|(c, m)| c * m).sum()).collect()
}

/// The coefficients of `L_i`, the constant first.
fn lagrange(nodes: &[f64], i: usize) -> Vec<f64> {
    let mut polynomial = vec![1.0];
    for (_, node) in nodes.iter().enumerate().filter(|(j, _)| *j != i) {
        // Times (v − node)/(nodes[i] − node).
        let raised = [0.0].iter().chain(&polynomial);
        let kept = polynomial.iter().chain(&[0.0]);
        polynomial = raised.zip(kept).map(|(up, same)| (up - node * same) / (nodes[i] - node)).collect();
    }
    polynomial
}

/// `∫₀ʰ e^(−v)·v^k dv`, exact to rounding even for small steps, where the recurrence would lose `k` times the digits of `h`.
fn moment(k: usize, h: f64) -> f64 {
    if h < 1.0 {
        // The power series of e^(−v), term by term; 20 terms reach 1e-18.
        let mut term = h.powi(k as i32 + 1);
        let terms = (0..20).map(|j| {
            let integral = term / (k + 1 + j) as f64;
            term *= -h / (j + 1) as f64;
            integral
        });
        return terms.sum();
    }
    (1..=k).fold(-(-h).exp_m1(), |before, k| k as f64 * before - h.powi(k as i32) * (-h).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Polynomials of a degree below the number of nodes are integrated exactly: here `v²`, and 1.
    #[test]
    fn parabolas_are_integrated_exactly() {
        for h in [0.01, 0.9, 1.1, 6.0_f64] {
            let nodes = [-0.7 * h, 0.0, h];
            let weights = exponential_weights(&nodes, h);
            let found: f64 = weights.iter().zip(nodes).map(|(w, v)| w * v * v).sum();
            let exact = 2.0 - (-h).exp() * (h * h + 2.0 * h + 2.0);
            // The closed form itself loses 1e-16/h³ by cancellation.
            assert!((found / exact - 1.0).abs() < 1e-14 + 1e-15 / h.powi(3), "h {h}: {found} instead of {exact}");
            assert!((weights.iter().sum::<f64>() + (-h).exp_m1()).abs() < 1e-14);
        }
    }
}
