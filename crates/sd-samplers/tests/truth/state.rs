//! States during sampling: after a failure of the model, after saving, and with two images drawn alternately.

use burn::tensor::{Device, Tensor};
use sd_exact::Mixture;
use sd_samplers::{
    BrownianNoise, DenoiseError, Denoiser, FreshNoise, Noise, Sampler, SavedState, State, TorchNoise, sample,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::rows::{Row, rows, start, uneven};

/// Makes steps until the model fails; returns the state after the failure and before the failed step.
fn fail_at(call: usize, sampler: &impl Sampler) -> (SavedState, SavedState) {
    let (data, mut calls) = (Mixture::ring(), 0);
    let mut model = data.denoiser();
    let mut failing = |x: Tensor<4>, sigma: f64| -> Result<Tensor<4>, DenoiseError> {
        calls += 1;
        if calls > call { Err("broken".into()) } else { model.denoise(x, sigma) }
    };
    let (mut state, mut noise) = (State::new(start(&uneven())), TorchNoise::new(1));
    loop {
        let before = state.save().unwrap();
        match state.advance(sampler, &mut failing, &mut noise, &uneven()) {
            Ok(more) => assert!(more, "call {call} was not made"),
            Err(_) => return (before, state.save().unwrap()),
        }
    }
}

#[test]
fn a_model_that_fails_at_any_call_leaves_the_state_as_it_was() {
    for Row { name, sampler, .. } in rows() {
        for call in 0..sampler.calls(&uneven()) {
            let (before, after) = fail_at(call, &sampler);
            assert!(before == after, "{name}, call {call}");
        }
    }
}

/// Saves an image and its noise before every step, and continues with the restored ones.
fn draw_with_breaks<N: Noise + Serialize + DeserializeOwned>(sampler: &impl Sampler, noise: N) -> Tensor<4> {
    let data = Mixture::ring();
    let mut saved = serde_json::to_string(&(State::new(start(&uneven())).save().unwrap(), noise)).unwrap();
    loop {
        let (state, mut noise): (SavedState, N) = serde_json::from_str(&saved).unwrap();
        let mut state = state.restore(&Device::flex());
        if !state.advance(sampler, &mut data.denoiser(), &mut noise, &uneven()).unwrap() {
            return state.x;
        }
        saved = serde_json::to_string(&(state.save().unwrap(), noise)).unwrap();
    }
}

fn assert_resumes<N: Noise + Serialize + DeserializeOwned>(name: &str, sampler: &impl Sampler, noise: impl Fn() -> N) {
    let data = Mixture::ring();
    let drawn = sample(sampler, &mut data.denoiser(), &mut noise(), start(&uneven()), &uneven()).unwrap();
    assert!(draw_with_breaks(sampler, noise()).into_data() == drawn.into_data(), "{name}");
}

#[test]
fn an_image_saved_and_read_before_every_step_is_the_same_bit_for_bit() {
    for Row { name, fresh, sampler, .. } in rows() {
        match fresh {
            FreshNoise::Path => assert_resumes(&name, &sampler, || BrownianNoise::new(7)),
            _ => assert_resumes(&name, &sampler, || TorchNoise::new(7)),
        }
    }
}

#[test]
fn two_images_drawn_alternately_are_those_drawn_one_after_the_other() {
    let data = Mixture::ring();
    for Row { name, sampler, .. } in rows() {
        let alone = |seed, x| {
            let drawn = sample(&sampler, &mut data.denoiser(), &mut TorchNoise::new(seed), x, &uneven());
            drawn.unwrap().into_data()
        };
        let (x, y) = (start(&uneven()), start(&uneven()) * 0.7);
        let (mut a, mut b) = (State::new(x.clone()), State::new(y.clone()));
        let (mut a_noise, mut b_noise) = (TorchNoise::new(1), TorchNoise::new(2));
        while a.advance(&sampler, &mut data.denoiser(), &mut a_noise, &uneven()).unwrap() {
            b.advance(&sampler, &mut data.denoiser(), &mut b_noise, &uneven()).unwrap();
        }
        assert!(a.x.into_data() == alone(1, x) && b.x.into_data() == alone(2, y), "{name}");
    }
}
