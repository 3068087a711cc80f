//! What is off changes no bit.

use burn::tensor::Tensor;
use sd_guidance::{Guidance, GuidanceState, Interval, Part, Predictions, Region, blend};

use crate::{STEP, assert_same, guided, noise, predictions};

#[test]
fn classifier_free_guidance_is_its_formula_to_the_bit() {
    let (prompt, negative) = (noise(1), noise(2));
    let found = guided(&Guidance { scale: 7.5, ..Guidance::default() }, predictions(&prompt, &negative));
    assert_same(&found, &(negative.clone() + (prompt - negative) * 7.5));
}

#[test]
fn the_guidance_of_an_image_is_its_formula_to_the_bit() {
    let (prompt, negative, without) = (noise(1), noise(2), noise(3));
    let guidance = Guidance { scale: 7.5, image: Some(1.5), ..Guidance::default() };
    let predictions = Predictions { without_image: Some(without.clone()), ..predictions(&prompt, &negative) };
    let text = without.clone() + (prompt - negative.clone()) * 7.5;
    assert_same(&guided(&guidance, predictions), &(text + (negative - without) * 1.5));
}

#[test]
fn without_guidance_the_prompts_prediction_comes_back() {
    let prompt = noise(1);
    let outside = Guidance {
        scale: 7.5,
        pag: 3.0,
        sag: 0.75,
        rescale: 0.7,
        interval: Interval { from: 0.5, to: 1.0 },
        ..Guidance::default()
    };
    let image = Guidance { scale: 7.5, image: Some(0.9), ..Guidance::default() };
    let rescaled = Guidance { rescale: 0.7, ..Guidance::default() };
    for guidance in [Guidance::default(), rescaled, image, outside] {
        assert_same(&guided(&guidance, Predictions::of_prompt(prompt.clone())), &prompt);
    }
}

#[test]
fn a_single_part_of_weight_1_is_the_prompt_itself() {
    let (prompt, negative) = (noise(1), noise(2));
    let guidance = Guidance { scale: 7.5, ..Guidance::default() };
    let part = Part { prediction: prompt.clone(), weight: 1.0 };
    let of_part = Predictions { prompt: vec![part], ..predictions(&noise(9), &negative) };
    assert_same(&guided(&guidance, of_part), &guided(&guidance, predictions(&prompt, &negative)));
}

#[test]
fn without_regions_the_base_comes_back() {
    assert_same(&blend(noise(1), Vec::<Region>::new()), &noise(1));
}

/// Only momentum remembers.
#[test]
fn a_call_does_not_depend_on_the_calls_before() {
    let guidance = Guidance { scale: 7.5, rescale: 0.5, ..Guidance::default() };
    let mut state = GuidanceState::default();
    let x = noise(5);
    let mut call =
        |prompt: &Tensor<4>| guidance.combine(&STEP, &mut state, predictions(prompt, &noise(2)), crate::X0, &x);
    let first = call(&noise(1));
    call(&noise(3));
    assert_same(&call(&noise(1)), &first);
}
