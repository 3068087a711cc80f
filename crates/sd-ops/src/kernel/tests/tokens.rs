use super::{isas, values};
use crate::kernel::activation::{self, Activation};
use crate::kernel::attention::{Heads, View, backward, forward};
use crate::kernel::layer_norm::{self, Rows};

/// Returns `Φ(x)`, by a series of positive terms.
fn normal(x: f64) -> f64 {
    let mut term = x;
    let mut sum = x;
    for n in 1..200 {
        term *= x * x / f64::from(2 * n + 1);
        sum += term;
    }
    0.5 + sum * density(x)
}

fn density(x: f64) -> f64 {
    (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt()
}

#[test]
fn the_normal_distribution_is_right_to_a_few_bits_of_single_precision() {
    let x: Vec<f32> = (-60_001..=60_001).map(|i| i as f32 * 1e-4).collect();
    for isa in isas() {
        let found = activation::forward(isa, Activation::Gelu, &x);
        let slopes = activation::backward(isa, Activation::Gelu, &x, &vec![1.0; x.len()]);
        for ((&x, found), slope) in x.iter().zip(found).zip(slopes) {
            let wide = f64::from(x);
            let worst = 3e-7 * wide.abs().max(1.0);
            let expected = wide * normal(wide);
            assert!((f64::from(found) - expected).abs() < worst, "gelu({x}) is {expected}, not {found}");
            let expected = normal(wide) + wide * density(wide);
            assert!((f64::from(slope) - expected).abs() < worst, "its slope at {x} is {expected}, not {slope}");
        }
    }
}

#[test]
fn the_others_are_what_their_definitions_say() {
    let width = 13;
    let x: Vec<f32> = values(2 * width * 5, 1).iter().map(|x| 12.0 * x).collect();
    for isa in isas() {
        let found = activation::forward(isa, Activation::QuickGelu, &x);
        for (&x, found) in x.iter().zip(found) {
            let x = f64::from(x);
            assert!((f64::from(found) - x / (1.0 + (-1.702 * x).exp())).abs() < 1e-6, "{x}: {found}");
        }
        let found = activation::forward(isa, Activation::Geglu { width }, &x);
        for (row, found) in x.chunks(2 * width).zip(found.chunks(width)) {
            for i in 0..width {
                let [x, gate] = [row[i], row[width + i]].map(f64::from);
                let expected = x * gate * normal(gate);
                assert!((f64::from(found[i]) - expected).abs() < 1e-5, "{x}, {gate}: {}, not {expected}", found[i]);
            }
        }
    }
}

#[test]
fn what_is_not_a_number_is_not_hidden() {
    for isa in isas() {
        for function in [Activation::Gelu, Activation::QuickGelu, Activation::Geglu { width: 9 }] {
            let found = activation::forward(isa, function, &[f32::NAN; 18]);
            assert!(found.iter().all(|x| x.is_nan()), "{function:?}: {found:?}");
        }
    }
}

/// Returns the largest difference, relative to the largest expected value.
fn distance(found: &[f32], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(f64::MIN_POSITIVE, |most, x| most.max(x.abs()));
    found.iter().zip(expected).map(|(&a, b)| (f64::from(a) - b).abs()).fold(0.0, f64::max) / largest
}

/// Returns an attention's output and the gradients of queries, keys and values, all `[batch, tokens, heads, width]`.
fn defined(heads: &Heads, [q, k, v, gradient]: [&[f32]; 4]) -> [Vec<f64>; 4] {
    let Heads { width, queries, keys, .. } = *heads;
    let mut found = [queries, queries, keys, keys].map(|tokens| vec![0.0; heads.batch * tokens * heads.heads * width]);
    let scale = 1.0 / (width as f64).sqrt();
    for (n, h) in (0..heads.batch).flat_map(|n| (0..heads.heads).map(move |h| (n, h))) {
        let place = |tokens: usize, i: usize, d: usize| ((n * tokens + i) * heads.heads + h) * width + d;
        let dot = |a: &[f32], [a_tokens, i]: [usize; 2], b: &[f32], j: usize| -> f64 {
            (0..width).map(|d| f64::from(a[place(a_tokens, i, d)]) * f64::from(b[place(keys, j, d)])).sum()
        };
        for i in 0..queries {
            let seen = if heads.causal { i + 1 } else { keys };
            let e: Vec<f64> = (0..seen).map(|j| (scale * dot(q, [queries, i], k, j)).exp()).collect();
            let p: Vec<f64> = e.iter().map(|x| x / e.iter().sum::<f64>()).collect();
            let dp: Vec<f64> = (0..seen).map(|j| dot(gradient, [queries, i], v, j)).collect();
            let mean: f64 = p.iter().zip(&dp).map(|(p, dp)| p * dp).sum();
            for (j, d) in (0..seen).flat_map(|j| (0..width).map(move |d| (j, d))) {
                let ds = scale * p[j] * (dp[j] - mean);
                let (query, key) = (place(queries, i, d), place(keys, j, d));
                found[0][query] += p[j] * f64::from(v[key]);
                found[1][query] += ds * f64::from(k[key]);
                found[2][key] += ds * f64::from(q[query]);
                found[3][key] += p[j] * f64::from(gradient[query]);
            }
        }
    }
    found
}

#[test]
fn all_vectors_attend_as_the_definition_says() {
    for ([batch, heads, queries, keys, width], causal) in [
        ([1, 1, 1, 1, 1], false),
        ([2, 3, 7, 5, 9], false),
        ([1, 2, 61, 77, 40], false),
        ([1, 1, 130, 33, 19], false),
        ([2, 2, 11, 11, 8], true),
        ([1, 1, 103, 103, 24], true),
    ] {
        let heads = Heads { batch, heads, queries, keys, width, causal, half: false };
        let random = |tokens: usize, seed| values(batch * tokens * heads.heads * width, seed);
        // Scores of up to about 7.
        let q: Vec<f32> = random(queries, 1).iter().map(|x| 24.0 * x).collect();
        let [k, v, gradient] = [random(keys, 2), random(keys, 3), random(queries, 4)];
        let expected = defined(&heads, [&q, &k, &v, &gradient]);
        for isa in isas() {
            let view = |values, tokens| {
                let apart = [tokens * heads.heads * width, width, heads.heads * width];
                View::new(values, 0, apart, [batch, heads.heads, tokens, width])
            };
            let (out, logs) = forward::forward(isa, &heads, view(&q, queries), view(&k, keys), view(&v, keys));
            let known = backward::Known {
                q: view(&q, queries),
                k: view(&k, keys),
                v: view(&v, keys),
                out: view(&out, queries),
                logs: &logs,
                gradient: view(&gradient, queries),
            };
            let [dq, dk, dv] = backward::backward(isa, &heads, known);
            let distances = [
                distance(&out, &expected[0]),
                distance(&dq, &expected[1]),
                distance(&dk, &expected[2]),
                distance(&dv, &expected[3]),
            ];
            assert!(distances.iter().all(|&d| d < 2e-6), "{heads:?}, {isa:?}: {distances:?}");
        }
    }
}

#[test]
fn all_vectors_normalise_rows_as_the_definition_says() {
    for [rows, width] in [[1, 1], [3, 5], [7, 40], [300, 65]] {
        let rows = Rows { rows, width, eps: 1e-5 };
        let (x, gradient) = (values(rows.rows * width, 1), values(rows.rows * width, 2));
        let (gamma, beta) = (values(width, 3), values(width, 4));
        let mut expected = [vec![0.0; x.len()], vec![0.0; x.len()], vec![0.0; width], vec![0.0; width]];
        for r in 0..rows.rows {
            let row = |v: &[f32]| v[r * width..][..width].iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
            let mean_of = |v: &[f64]| v.iter().sum::<f64>() / width as f64;
            let (x, gradient) = (row(&x), row(&gradient));
            let mean = mean_of(&x);
            let variance = mean_of(&x.iter().map(|x| (x - mean).powi(2)).collect::<Vec<_>>());
            let scale = 1.0 / (variance + f64::from(rows.eps)).sqrt();
            let unit: Vec<f64> = x.iter().map(|x| (x - mean) * scale).collect();
            let inner: Vec<f64> = (0..width).map(|c| gradient[c] * f64::from(gamma[c])).collect();
            let slope = mean_of(&(0..width).map(|c| inner[c] * unit[c]).collect::<Vec<_>>());
            for c in 0..width {
                expected[0][r * width + c] = unit[c] * f64::from(gamma[c]) + f64::from(beta[c]);
                expected[1][r * width + c] = scale * (inner[c] - mean_of(&inner) - unit[c] * slope);
                expected[2][c] += gradient[c] * unit[c];
                expected[3][c] += gradient[c];
            }
        }
        for isa in isas() {
            let (out, statistics) = layer_norm::forward(isa, &rows, &x, &gamma, &beta);
            let [dx, dgamma, dbeta] = layer_norm::backward(isa, &rows, &x, &gamma, &statistics, &gradient);
            for (found, expected) in [out, dx, dgamma, dbeta].iter().zip(&expected) {
                // The gradient of a row of one value is rounding error only.
                let apart = if width == 1 && expected.len() == x.len() { 0.0 } else { distance(found, expected) };
                assert!(apart < 2e-6, "{rows:?}, {isa:?}: {apart}");
            }
        }
    }
}
