//! Noise between two noises, beside PyTorch's.

use sd_samplers::{TorchNoise, slerp, vary};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    strength: f64,
    other: String,
    varied: Vec<f32>,
    between: Vec<f32>,
}

const SHAPE: [usize; 4] = [1, 3, 5, 4];

fn assert_close(found: &[f32], expected: &[f32], what: &str) {
    let largest = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(found.len() == expected.len() && largest < 1e-6, "{what}: {largest:e}");
}

#[test]
fn noise_between_two_noises_is_that_of_the_references() {
    let [low, high] = [1, 2].map(|seed| TorchNoise::new(seed).randn(SHAPE.iter().product()));
    let near: Vec<f32> = low.iter().zip(&high).map(|(low, high)| low + 0.01 * high).collect();
    let cases: Vec<Case> = serde_json::from_str(include_str!("slerp.json")).unwrap();
    assert_eq!(cases.len(), 8);
    for Case { strength, other, varied, between } in cases {
        let to = if other == "near" { &near } else { &high };
        assert_close(&vary(&low, to, SHAPE, strength), &varied, &format!("varied to {other} by {strength}"));
        // The arc cosine of a number near 1 has few digits in single precision.
        if other == "seed" {
            assert_close(&slerp(&low, to, strength), &between, &format!("between, at {strength}"));
        }
    }
}
