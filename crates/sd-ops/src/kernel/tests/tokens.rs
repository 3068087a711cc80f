use super::numbers;
use crate::kernel::activation::{self, Activation};
use crate::kernel::vector::Level;

/// `Φ(x)`, by a series whose terms are all positive.
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
    for level in [Level::Plain, Level::Wide, Level::best()] {
        let found = activation::forward(level, Activation::Gelu, &x);
        let slopes = activation::backward(level, Activation::Gelu, &x, &vec![1.0; x.len()]);
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
    let x: Vec<f32> = numbers(2 * width * 5, 1).iter().map(|x| 12.0 * x).collect();
    for level in [Level::Plain, Level::Wide, Level::best()] {
        let found = activation::forward(level, Activation::QuickGelu, &x);
        for (&x, found) in x.iter().zip(found) {
            let x = f64::from(x);
            assert!((f64::from(found) - x / (1.0 + (-1.702 * x).exp())).abs() < 1e-6, "{x}: {found}");
        }
        let found = activation::forward(level, Activation::Geglu { width }, &x);
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
    for level in [Level::Plain, Level::Wide, Level::best()] {
        for function in [Activation::Gelu, Activation::QuickGelu, Activation::Geglu { width: 9 }] {
            let found = activation::forward(level, function, &[f32::NAN; 18]);
            assert!(found.iter().all(|x| x.is_nan()), "{function:?}: {found:?}");
        }
    }
}
