//! The noise of `torch.randn`, bit for bit.

use sd_samplers::TorchNoise;
use serde_json::Value;

fn golden(name: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("draws.json")).unwrap();
    all[name].as_array().unwrap().clone()
}

fn count(draw: &Value) -> usize {
    draw["count"].as_u64().unwrap() as usize
}

fn checksum(values: &[f32]) -> String {
    let sum = values.iter().fold(0, |sum: u32, x| sum.wrapping_mul(31).wrapping_add(x.to_bits()));
    format!("{sum:#010x}")
}

#[test]
fn a_first_draw_has_the_bits_of_torch() {
    for draw in golden("first") {
        let (seed, count) = (draw["seed"].as_u64().unwrap(), count(&draw));
        let values = TorchNoise::new(seed).randn(count);
        assert_eq!(values.len(), count);
        let [first, last] = ["first", "last"].map(|end| draw[end].as_f64().unwrap() as f32);
        assert_eq!((values[0], values[count - 1]), (first, last), "seed {seed}, {count} values");
        assert_eq!(checksum(&values), draw["checksum"], "seed {seed}, {count} values");
    }
}

#[test]
fn short_and_long_draws_follow_each_other_as_in_torch() {
    let mut noise = TorchNoise::new(42);
    for (i, draw) in golden("consecutive").iter().enumerate() {
        let count = count(draw);
        assert_eq!(checksum(&noise.randn(count)), draw["checksum"], "draw {i}, {count} values");
    }
}
