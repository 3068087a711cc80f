//! Each text encoder of the tiny models against the reference, on every backend of this build: relative error at most 1e-4.

use sd_clip::Tokenizer;
use sd_golden::{Kind, TinyModel, assert_close, devices};
use sd_ops::pack;

fn check(kind: Kind) {
    let (model, expected) = (TinyModel::new(kind), kind.data().join("expected/networks.safetensors"));
    for (name, device) in devices() {
        let tokenizer = Tokenizer::from_folder(&model.path().join("tokenizer")).unwrap();
        let prompts = ["a red house by the sea", "blurry"].map(|prompt| tokenizer.encode(prompt).ids);
        for (part, config) in kind.text() {
            let text = pack(model.load(part, config.init(&device))).forward(&prompts);
            assert_close(text.penultimate().slice([0..2, 0..12]), &expected, &format!("{part}.penultimate"), name);
            assert_close(text.last.slice([0..2, 0..12]), &expected, &format!("{part}.last"), name);
            assert_close(text.pooled, &expected, &format!("{part}.pooled"), name);
        }
    }
}

#[test]
fn the_text_encoder_of_a_tiny_sd1_is_the_references() {
    check(Kind::Sd1);
}

#[test]
fn the_text_encoder_of_a_tiny_sd2_is_the_references() {
    check(Kind::Sd2v);
}

#[test]
fn the_text_encoders_of_a_tiny_sdxl_are_the_references() {
    check(Kind::Sdxl);
}
