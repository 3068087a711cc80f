//! What each kind of guidance does to images.

use burn::tensor::Tensor;
use sd_guidance::{Apg, Guidance, GuidanceState, Part, Predictions, Region, Threshold, degrade};
use sd_schedule::Prediction;

use crate::{STEP, X0, assert_close, assert_same, guided, noise, predictions, values};

const CFG: Guidance = Guidance {
    scale: 7.5,
    schedule: None,
    interval: sd_guidance::Interval { from: 0.0, to: 1.0 },
    plus_plus: false,
    image: None,
    rescale: 0.0,
    apg: None,
    pag: 0.0,
    sag: 0.0,
    threshold: None,
    perpendicular: None,
};

/// Everything at once, but for CFG++.
fn everything() -> Guidance {
    Guidance {
        image: Some(1.5),
        rescale: 0.7,
        apg: Some(Apg { eta: 0.3, norm: Some(4.0), momentum: -0.5 }),
        pag: 3.0,
        sag: 0.75,
        threshold: Some(Threshold { percentile: 0.9, mimic: 4.0 }),
        perpendicular: Some(0.8),
        ..CFG
    }
}

fn all_predictions() -> Predictions {
    let region = Region { prediction: noise(4), mask: noise(5).abs().slice([0..2, 0..1]), weight: 0.6 };
    let part = |seed, weight| Part { prediction: noise(seed), weight };
    Predictions {
        without_image: Some(noise(6)),
        empty: Some(noise(7)),
        negative: Some(noise(2)),
        prompt: vec![part(1, 0.8), part(3, 0.4)],
        regions: vec![region],
        perturbed: Some(noise(8)),
        degraded: Some(noise(9)),
    }
}

fn map(predictions: Predictions, change: impl Fn(Tensor<4>) -> Tensor<4>) -> Predictions {
    let Predictions { without_image, empty, negative, prompt, regions, perturbed, degraded } = predictions;
    Predictions {
        without_image: without_image.map(&change),
        empty: empty.map(&change),
        negative: negative.map(&change),
        prompt: prompt.into_iter().map(|part| Part { prediction: change(part.prediction), ..part }).collect(),
        regions: regions.into_iter().map(|region| Region { prediction: change(region.prediction), ..region }).collect(),
        perturbed: perturbed.map(&change),
        degraded: degraded.map(&change),
    }
}

fn of_image(index: usize, x: Tensor<4>) -> Tensor<4> {
    x.narrow(0, index, 1)
}

#[test]
fn an_image_does_not_depend_on_the_others_of_its_batch() {
    let together = guided(&everything(), all_predictions());
    for index in 0..2 {
        let mut alone = map(all_predictions(), |x| of_image(index, x));
        alone.regions[0].mask = of_image(index, alone.regions[0].mask.clone());
        assert_close(&guided(&everything(), alone), &of_image(index, together.clone()), 1e-5);
    }
}

#[test]
fn guidance_in_denoised_images_does_not_depend_on_what_the_network_predicts() {
    let (sigma, x) = (0.8, noise(11));
    let mut results = Vec::new();
    for guidance in [Guidance { rescale: 0.0, ..everything() }, Guidance { rescale: 0.0, image: None, ..everything() }]
    {
        for prediction in [Prediction::Eps, Prediction::V, Prediction::X0, Prediction::Flow] {
            let (skip, out) = prediction.coefficients(sigma);
            let raw = map(all_predictions(), |denoised| (denoised - x.clone() * skip) / out);
            let raw = guidance.combine(&STEP, &mut GuidanceState::default(), raw, (skip, out).into(), &x);
            results.push(x.clone() * skip + raw * out);
        }
    }
    for of_guidance in results.chunks(4) {
        for result in of_guidance {
            assert_close(result, &of_guidance[2], 1e-4);
        }
    }
}

#[test]
fn a_full_rescale_keeps_the_deviation_of_the_prompt() {
    let (prompt, negative) = (noise(1), noise(2) * 0.3);
    let found = guided(&Guidance { rescale: 1.0, ..CFG }, predictions(&prompt, &negative));
    for (found, wanted) in deviations(&found).iter().zip(deviations(&prompt)) {
        assert!((found / wanted - 1.0).abs() < 1e-5, "{found}, not {wanted}");
    }
}

/// The standard deviation of each image.
fn deviations(x: &Tensor<4>) -> Vec<f64> {
    let deviation = |values: &[f64]| {
        let (count, mean) = (values.len() as f64, values.iter().sum::<f64>() / values.len() as f64);
        (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0)).sqrt()
    };
    values(x).chunks(x.dims()[1..].iter().product()).map(deviation).collect()
}

#[test]
fn a_negative_prompt_parallel_to_the_prompt_takes_nothing() {
    let (empty, prompt) = (noise(7), noise(1));
    let guidance = Guidance { perpendicular: Some(2.0), ..CFG };
    for factor in [-1.0, 0.0, 0.5, 2.0] {
        let negative = empty.clone() + (prompt.clone() - empty.clone()) * factor;
        let predictions = Predictions { empty: Some(empty.clone()), ..predictions(&prompt, &negative) };
        let plain = self::predictions(&prompt, &empty);
        assert_close(&guided(&guidance, predictions), &guided(&CFG, plain), 1e-4);
    }
}

#[test]
fn a_negative_prompt_perpendicular_to_the_prompt_counts_in_full() {
    let (empty, direction) = (noise(7), noise(1));
    // Values of other places: no product is left.
    let first = direction.ones_like().slice_fill([0..2, 0..3, 0..3], 0.0);
    let (prompt, negative) = (direction.clone() * first.clone(), direction * (first.neg() + 1.0));
    let predictions = Predictions {
        empty: Some(empty.clone()),
        ..predictions(&(prompt.clone() + empty.clone()), &(negative.clone() + empty.clone()))
    };
    let found = guided(&Guidance { perpendicular: Some(0.5), scale: 0.9, ..CFG }, predictions);
    assert_close(&found, &(empty + (prompt - negative * 0.5) * 0.9), 1e-5);
}

#[test]
fn adaptive_projection_that_changes_nothing_is_classifier_free_guidance() {
    let apg = Apg { eta: 1.0, norm: None, momentum: 0.0 };
    let (prompt, negative) = (noise(1), noise(2));
    let found = guided(&Guidance { apg: Some(apg), ..CFG }, predictions(&prompt, &negative));
    assert_close(&found, &guided(&CFG, predictions(&prompt, &negative)), 1e-4);
}

#[test]
fn adaptive_projection_adds_nothing_along_the_prompt_and_no_more_than_its_bound() {
    let apg = Apg { eta: 0.0, norm: Some(2.0), momentum: 0.0 };
    let (prompt, negative) = (noise(1), noise(2));
    let found = guided(&Guidance { apg: Some(apg), ..CFG }, predictions(&prompt, &negative));
    let added = (found - prompt.clone()) / 6.5;
    for index in 0..2 {
        let (added, prompt) = (of_image(index, added.clone()), of_image(index, prompt.clone()));
        let along: f64 = values(&(added.clone() * prompt)).iter().sum();
        let norm = values(&added.square()).iter().sum::<f64>().sqrt();
        assert!(along.abs() < 1e-4 && (1.0..=2.0001).contains(&norm), "{along} along, norm {norm}");
    }
}

#[test]
fn the_published_bound_is_that_of_xl_latents() {
    let xl = Apg { eta: 0.0, norm: Some(15.0), momentum: -0.5 };
    assert_eq!(Apg::published(4 * 128 * 128), xl);
    assert_eq!(Apg::published(4 * 64 * 64).norm, Some(7.5));
}

#[test]
fn thresholding_to_the_range_of_its_own_scale_changes_nothing() {
    let (prompt, negative) = (noise(1), noise(2));
    let own = Threshold { percentile: 1.0, mimic: 7.5 };
    let found = guided(&Guidance { threshold: Some(own), ..CFG }, predictions(&prompt, &negative));
    assert_close(&found, &guided(&CFG, predictions(&prompt, &negative)), 1e-5);
}

#[test]
fn thresholding_gives_every_channel_the_range_of_the_smaller_scale() {
    let (prompt, negative) = (noise(1), noise(2));
    let threshold = Threshold { percentile: 0.9, mimic: 3.0 };
    let found = guided(&Guidance { threshold: Some(threshold), ..CFG }, predictions(&prompt, &negative));
    let (plain, mimic) = (guided(&CFG, predictions(&prompt, &negative)), Guidance { scale: 3.0, ..CFG });
    let mimic = guided(&mimic, predictions(&prompt, &negative));
    let largest = |x: &Tensor<4>, mean: &Tensor<4>| (x.clone() - mean.clone()).abs().max_dims(&[2, 3]);
    let mean = plain.clone().mean_dims(&[2, 3]);
    assert_close(&largest(&found, &mean), &largest(&mimic, &mimic.clone().mean_dims(&[2, 3])), 1e-5);
}

#[test]
fn images_without_detail_stay_finite() {
    let flat = noise(1).ones_like();
    let zeros = flat.zeros_like();
    for (prompt, negative) in [(&flat, &flat), (&zeros, &zeros), (&flat, &zeros)] {
        let all = map(all_predictions(), |_| negative.clone());
        let all = Predictions { prompt: vec![Part { prediction: prompt.clone(), weight: 1.0 }], ..all };
        assert!(values(&guided(&everything(), all)).iter().all(|value| value.is_finite()));
    }
}

#[test]
fn perturbed_and_self_attention_guidance_need_no_negative_prompt() {
    let (prompt, worse) = (noise(1), noise(8));
    let pag = Predictions { perturbed: Some(worse.clone()), ..Predictions::of_prompt(prompt.clone()) };
    let sag = Predictions { degraded: Some(worse.clone()), ..Predictions::of_prompt(prompt.clone()) };
    let wanted = prompt.clone() + (prompt - worse) * 3.0;
    assert_same(&guided(&Guidance { pag: 3.0, ..Guidance::default() }, pag), &wanted);
    assert_same(&guided(&Guidance { sag: 3.0, ..Guidance::default() }, sag), &wanted);
}

/// As in the diffusers pipelines of either.
#[test]
fn perturbed_attention_moves_from_the_prompt_and_self_attention_from_the_negative_prompt() {
    let (prompt, negative, worse) = (noise(1), noise(2), noise(8));
    let plain = guided(&CFG, predictions(&prompt, &negative));
    let pag = Predictions { perturbed: Some(worse.clone()), ..predictions(&prompt, &negative) };
    let sag = Predictions { degraded: Some(worse.clone()), ..predictions(&prompt, &negative) };
    let wanted = plain.clone() + (prompt - worse.clone()) * 3.0;
    assert_close(&guided(&Guidance { pag: 3.0, ..CFG }, pag), &wanted, 1e-5);
    assert_close(&guided(&Guidance { sag: 0.75, ..CFG }, sag), &(plain + (negative - worse) * 0.75), 1e-5);
}

#[test]
fn momentum_adds_a_share_of_the_call_before() {
    let apg = Apg { eta: 1.0, norm: None, momentum: -0.5 };
    let guidance = Guidance { apg: Some(apg), ..CFG };
    let mut state = GuidanceState::default();
    let x = noise(1).zeros_like();
    let mut call = |prompt: &Tensor<4>, negative: &Tensor<4>| {
        guidance.combine(&STEP, &mut state, predictions(prompt, negative), X0, &x)
    };
    call(&noise(1), &noise(2));
    let found = call(&noise(3), &noise(4));
    let direction = noise(3) - noise(4) - (noise(1) - noise(2)) * 0.5;
    assert_close(&found, &(noise(3) + direction * 6.5), 1e-4);
}

#[test]
fn only_what_got_attention_is_degraded() {
    let denoised = noise(1);
    let attention = denoised.clone().zeros_like().slice([0..2, 0..1, 0..3, 0..5]).reshape([2, 3, 5]);
    assert_same(&degrade(denoised.clone(), attention.clone()), &denoised);
    let lower = attention.slice_fill([0..2, 2..3], 1.5);
    let degraded = degrade(denoised.clone(), lower);
    let upper = [0..2, 0..3, 0..4];
    assert_same(&degraded.clone().slice(upper.clone()), &denoised.clone().slice(upper));
    let below = [0..2, 0..3, 4..6];
    let changes = values(&(degraded.slice(below.clone()) - denoised.slice(below)));
    assert!(changes.iter().all(|change| change.abs() > 1e-6));
}

#[test]
fn images_of_one_colour_cannot_be_degraded_however_small() {
    for size in [1, 2, 3, 4, 9] {
        let denoised = noise(1).ones_like().slice([0..1, 0..1, 0..1, 0..1]).expand([1, 2, size, size]);
        let attention = denoised.clone().slice([0..1, 0..1]).reshape([1, size, size]) * 2.0;
        assert_close(&degrade(denoised.clone(), attention), &denoised, 1e-6);
    }
}
