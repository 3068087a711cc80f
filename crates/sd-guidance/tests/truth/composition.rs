//! Prompts of several parts, and of regions.

use burn::tensor::Tensor;
use sd_guidance::{Guidance, Interval, Part, Predictions, Region, blend, is_composed};

use crate::{assert_close, assert_same, guided, noise, predictions};

fn part(prediction: &Tensor<4>, weight: f64) -> Part {
    Part { prediction: prediction.clone(), weight }
}

/// A mask that is 1 in the columns from `from` to `to`.
fn columns(from: usize, to: usize) -> Tensor<4> {
    let mask = noise(0).zeros_like().slice([0..2, 0..1]);
    mask.slice_fill([0..2, 0..1, 0..6, from..to], 1.0)
}

fn region(prediction: &Tensor<4>, mask: Tensor<4>, weight: f64) -> Region {
    Region { prediction: prediction.clone(), mask, weight }
}

#[test]
fn a_prompt_is_composed_unless_it_is_one_part_of_weight_1() {
    assert!(!is_composed([1.0]));
    assert!(is_composed([0.5]));
    assert!(is_composed([1.0, 1.0]));
}

#[test]
fn parts_of_one_prompt_are_that_prompt() {
    let (prompt, negative) = (noise(1), noise(2));
    let guidance = Guidance { scale: 7.5, rescale: 0.3, ..Guidance::default() };
    let halves = vec![part(&prompt, 0.25), part(&prompt, 0.75)];
    let found = guided(&guidance, Predictions { prompt: halves, ..predictions(&prompt, &negative) });
    assert_close(&found, &guided(&guidance, predictions(&prompt, &negative)), 1e-5);
}

#[test]
fn a_weight_below_0_moves_away_from_its_part() {
    let (prompt, other, negative) = (noise(1), noise(3), noise(2));
    let guidance = Guidance { scale: 1.0, ..Guidance::default() };
    let parts = vec![part(&prompt, 1.0), part(&other, -0.5)];
    let found = guided(&guidance, Predictions { prompt: parts, ..predictions(&prompt, &negative) });
    assert_close(&found, &(prompt - (other - negative) * 0.5), 1e-5);
}

#[test]
fn outside_the_interval_a_composed_prompt_stays_composed() {
    let (prompt, negative) = (noise(1), noise(2));
    let guidance = Guidance { scale: 7.5, interval: Interval { from: 0.5, to: 1.0 }, ..Guidance::default() };
    let found = guided(&guidance, Predictions { prompt: vec![part(&prompt, 0.5)], ..predictions(&prompt, &negative) });
    assert_close(&found, &((prompt + negative) / 2.0), 1e-5);
}

#[test]
fn a_region_has_its_prompt_and_the_rest_the_base() {
    let (base, prompt) = (noise(1), noise(2));
    let blended = blend(base.clone(), vec![region(&prompt, columns(1, 3), 1.0)]);
    assert_same(&blended.clone().slice([0..2, 0..3, 0..6, 1..3]), &prompt.slice([0..2, 0..3, 0..6, 1..3]));
    for rest in [0..1, 3..5] {
        let columns = [0..2, 0..3, 0..6, rest];
        assert_same(&blended.clone().slice(columns.clone()), &base.clone().slice(columns));
    }
}

#[test]
fn where_regions_overlap_they_share_by_weight() {
    let (base, first, second) = (noise(1), noise(2), noise(3));
    let regions = vec![region(&first, columns(0, 4), 1.0), region(&second, columns(2, 5), 3.0)];
    let both = [0..2, 0..3, 0..6, 2..4];
    let shared = first.slice(both.clone()) * 0.25 + second.slice(both.clone()) * 0.75;
    assert_close(&blend(base, regions).slice(both), &shared, 1e-6);
}

#[test]
fn a_faint_region_leaves_the_base_the_rest() {
    let (base, prompt) = (noise(1), noise(2));
    let found = blend(base.clone(), vec![region(&prompt, columns(0, 5), 0.3)]);
    assert_close(&found, &(base * 0.7 + prompt * 0.3), 1e-6);
}

#[test]
fn regions_of_one_prompt_are_that_prompt() {
    let prompt = noise(1);
    let soft = noise(7).abs().slice([0..2, 0..1]);
    let regions = vec![region(&prompt, columns(0, 3), 0.4), region(&prompt, soft, 2.0)];
    assert_close(&blend(prompt.clone(), regions), &prompt, 1e-6);
}
