//! U-Nets that take parts of an earlier call, and that merge tokens, against the reference, on every backend of this build: relative
//! error at most 1e-4.

use std::path::PathBuf;

use burn::tensor::{Device, Tensor};
use sd_golden::{Kind, TinyModel, assert_close, data, devices, noise};
use sd_ops::lay_out;
use sd_unet::{AddedConditions, Conditions, CrossAttention, Deep, Kept, Recall, Unet};

const KINDS: [Kind; 2] = [Kind::Sd1, Kind::Sdxl];
const TIMES: [[f64; 2]; 2] = [[981.0; 2], [661.0; 2]];

fn expected(kind: Kind) -> PathBuf {
    data().join("reuse").join(format!("{}.safetensors", kind.name()))
}

fn unet(kind: Kind, device: &Device) -> Unet {
    lay_out(TinyModel::new(kind).load("unet", kind.unet().init(device)))
}

/// Conditions of one or two rows.
fn conditions(kind: Kind, rows: usize, device: &Device) -> Conditions {
    let context: Tensor<3> = noise("context", [2, 7, kind.unet().cross_attention_dim], device);
    let conditions = Conditions::new(context.narrow(0, 0, rows));
    if kind == Kind::Sd1 {
        return conditions;
    }
    let text_embeds: Tensor<2> = noise("text_embeds", [2, 40], device);
    let time_ids = vec![vec![64.0, 96.0, 0.0, 8.0, 64.0, 96.0]; rows];
    conditions.with_added(AddedConditions { text_embeds: text_embeds.narrow(0, 0, rows), time_ids })
}

/// The images of the two calls.
fn images(device: &Device) -> [Tensor<4>; 2] {
    ["x", "y"].map(|name| noise(name, [2, 4, 27, 21], device))
}

fn recall(deep: Deep, text: CrossAttention) -> Recall {
    Recall { deep, text }
}

fn values<const D: usize>(x: Tensor<D>) -> Vec<f32> {
    x.into_data().try_to_vec().unwrap()
}

/// What a call keeps of all that can be kept.
fn kept(unet: &Unet, x: Tensor<4>, t: &[f64], conditions: &Conditions, branch: usize) -> (Tensor<4>, Kept) {
    unet.forward_recalling(x, t, conditions, recall(Deep::Keep { branch }, CrossAttention::Keep))
}

/// The second call with the deep features of the first.
fn second(unet: &Unet, conditions: &Conditions, branch: usize, device: &Device) -> Tensor<4> {
    let [x, y] = images(device);
    let features = kept(unet, x, &TIMES[0], conditions, branch).1.deep.unwrap();
    let take = recall(Deep::Take { branch, features }, CrossAttention::Compute);
    unet.forward_recalling(y, &TIMES[1], conditions, take).0
}

#[test]
fn deep_features_of_every_branch_match_the_reference() {
    for kind in KINDS {
        for (name, device) in devices() {
            let (unet, conditions) = (unet(kind, &device), conditions(kind, 2, &device));
            let all = 0..kind.unet().skip_connections();
            // Elsewhere one in the middle of a level is enough.
            for branch in all.filter(|branch| name == "flex" || *branch == 4) {
                let found = second(&unet, &conditions, branch, &device);
                assert_close(found, &expected(kind), &format!("deep.{branch}"), name);
            }
        }
    }
}

#[test]
fn the_mean_of_cross_attention_matches_the_reference() {
    for kind in KINDS {
        for (name, device) in devices() {
            let (unet, [x, y]) = (unet(kind, &device), images(&device));
            let (_, Kept { text, .. }) = kept(&unet, x, &TIMES[0], &conditions(kind, 2, &device), 0);
            let means = text.into_iter().map(|outputs| outputs.mean_dim(0)).collect();
            let (y, one) = (y.narrow(0, 0, 1), conditions(kind, 1, &device));
            let take = recall(Deep::Compute, CrossAttention::Take(means));
            let (found, _) = unet.forward_recalling(y, &TIMES[1][..1], &one, take);
            assert_close(found, &expected(kind), "text", name);
        }
    }
}

#[test]
fn merged_tokens_match_the_reference() {
    for kind in KINDS {
        for (name, device) in devices() {
            let unet = unet(kind, &device).with_merged_tokens(0.5);
            let [x, _] = images(&device);
            let found = unet.forward(x, &TIMES[0], &conditions(kind, 2, &device));
            assert_close(found, &expected(kind), "merged", name);
        }
    }
}

/// So a network whose deep features and whose attention to the text do not change draws what it draws without reuse.
#[test]
fn the_same_call_again_has_the_same_bits_whatever_it_takes() {
    let device = Device::flex();
    for kind in KINDS {
        let (unet, conditions, [x, _]) = (unet(kind, &device), conditions(kind, 2, &device), images(&device));
        let plain = values(unet.forward(x.clone(), &TIMES[0], &conditions));
        for branch in 0..kind.unet().skip_connections() {
            let (out, kept) = kept(&unet, x.clone(), &TIMES[0], &conditions, branch);
            assert_eq!(values(out), plain);
            let features = kept.deep.unwrap();
            for text in [CrossAttention::Compute, CrossAttention::Take(kept.text.clone())] {
                let take = recall(Deep::Take { branch, features: features.clone() }, text);
                let (found, _) = unet.forward_recalling(x.clone(), &TIMES[0], &conditions, take);
                assert_eq!(values(found), plain, "{} branch {branch}", kind.name());
            }
        }
    }
}

#[test]
fn taken_outputs_of_cross_attention_leave_the_text_unread() {
    let device = Device::flex();
    let (kind, [x, _]) = (Kind::Sd1, images(&device));
    let (unet, conditions) = (unet(kind, &device), conditions(kind, 2, &device));
    let (_, Kept { text, .. }) = kept(&unet, x.clone(), &TIMES[0], &conditions, 0);
    assert_eq!(text.len(), kind.unet().attention_layers().len());
    let other = Conditions::new(conditions.context.clone() * 2.0);
    let take = || recall(Deep::Compute, CrossAttention::Take(text.clone()));
    let of = |conditions: &Conditions| values(unet.forward_recalling(x.clone(), &TIMES[0], conditions, take()).0);
    assert_eq!(of(&other), of(&conditions));
}

#[test]
fn no_merged_tokens_are_the_plain_network() {
    let device = Device::flex();
    for kind in KINDS {
        let (unet, conditions, [x, _]) = (unet(kind, &device), conditions(kind, 2, &device), images(&device));
        let plain = values(unet.forward(x.clone(), &TIMES[0], &conditions));
        assert_eq!(values(unet.clone().with_merged_tokens(0.0).forward(x.clone(), &TIMES[0], &conditions)), plain);
        assert_ne!(values(unet.with_merged_tokens(0.5).forward(x, &TIMES[0], &conditions)), plain);
    }
}

#[test]
#[should_panic(expected = "this network has no branch 12")]
fn a_branch_that_is_not_there_is_refused() {
    let device = Device::flex();
    let [x, _] = images(&device);
    kept(&unet(Kind::Sd1, &device), x, &TIMES[0], &conditions(Kind::Sd1, 2, &device), 12);
}

#[test]
#[should_panic(expected = "has not all of the cross-attention to keep")]
fn a_partial_call_keeps_no_cross_attention() {
    let device = Device::flex();
    let ([x, _], unet) = (images(&device), unet(Kind::Sd1, &device));
    let conditions = conditions(Kind::Sd1, 2, &device);
    let features = kept(&unet, x.clone(), &TIMES[0], &conditions, 0).1.deep.unwrap();
    unet.forward_recalling(x, &TIMES[0], &conditions, recall(Deep::Take { branch: 0, features }, CrossAttention::Keep));
}
