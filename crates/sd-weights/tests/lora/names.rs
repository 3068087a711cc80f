//! The networks and the tensors that modules' names mean.

use sd_weights::{Component, Lora, Weights};
use tempfile::TempDir;

use crate::File;

/// Weights with these keys, matrices of `[4, width]`, in a file in `folder`.
fn weights(folder: &TempDir, keys: &[&str], width: usize) -> Weights {
    let path = folder.path().join(format!("{width} {}", keys[0]));
    keys.iter().fold(File::default(), |file, key| file.with(key, &[4, width])).write(&path);
    Weights::in_file(&path).unwrap()
}

fn open(folder: &TempDir, file: &File) -> Lora {
    let path = folder.path().join("lora.safetensors");
    file.write(&path);
    Lora::open(&path, 1.0).unwrap()
}

/// A LoRA of modules whose matrices are `[4, width]`.
fn lora(folder: &TempDir, modules: &[&str], width: usize) -> Lora {
    let file = modules.iter().fold(File::default(), |file, module| {
        file.with(&format!("{module}.lora_down.weight"), &[1, width]).with(&format!("{module}.lora_up.weight"), &[4, 1])
    });
    open(folder, &file)
}

const UNET: [&str; 6] = [
    "conv_in.weight",
    "conv_out.weight",
    "time_embedding.linear_1.weight",
    "time_embedding.linear_2.weight",
    "add_embedding.linear_1.weight",
    "down_blocks.0.resnets.0.conv1.weight",
];

#[test]
fn layers_outside_of_the_blocks_have_both_programs_names() {
    for modules in [
        [
            "lora_unet_conv_in",
            "lora_unet_conv_out",
            "lora_unet_time_embedding_linear_1",
            "lora_unet_time_embedding_linear_2",
            "lora_unet_add_embedding_linear_1",
            "lora_unet_down_blocks_0_resnets_0_conv1",
        ],
        [
            "lora_unet_input_blocks_0_0",
            "lora_unet_out_2",
            "lora_unet_time_embed_0",
            "lora_unet_time_embed_2",
            "lora_unet_label_emb_0_0",
            "lora_unet_input_blocks_1_0_in_layers_2",
        ],
        [
            "diffusion_model.input_blocks.0.0",
            "diffusion_model.out.2",
            "diffusion_model.time_embed.0",
            "diffusion_model.time_embed.2",
            "diffusion_model.label_emb.0.0",
            "diffusion_model.input_blocks.1.0.in_layers.2",
        ],
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (mut unet, lora) = (weights(&folder, &UNET, 8), lora(&folder, &modules, 8));
        let report = lora.merge(&mut [(Component::Unet, &mut unet)]).unwrap();
        assert_eq!((report.matched, report.unmatched), (6, vec![]));
    }
}

#[test]
fn an_adapter_of_a_text_encoder_is_for_the_one_that_it_fits() {
    let key = "text_model.encoder.layers.0.self_attn.q_proj.weight";
    let folder = tempfile::tempdir().unwrap();
    let (mut unet, mut first) = (weights(&folder, &UNET, 8), weights(&folder, &[key], 8));
    let mut second = weights(&folder, &[key], 6);
    let mut networks =
        [(Component::Unet, &mut unet), (Component::TextEncoder, &mut first), (Component::TextEncoder2, &mut second)];
    for width in [8, 6] {
        let lora = lora(&folder, &["base_model.model.text_model.encoder.layers.0.self_attn.q_proj"], width);
        let report = lora.merge(&mut networks).unwrap();
        assert_eq!((report.matched, report.unmatched), (1, vec![]), "{width}");
    }
}

#[test]
fn an_adapter_that_fits_both_text_encoders_is_for_the_first() {
    let key = "text_model.encoder.layers.0.self_attn.q_proj.weight";
    let folder = tempfile::tempdir().unwrap();
    let (mut first, mut second) = (weights(&folder, &[key], 8), weights(&folder, &[key], 8));
    let mut networks = [(Component::TextEncoder, &mut first), (Component::TextEncoder2, &mut second)];
    let path = "text_model_encoder_layers_0_self_attn_q_proj";
    let modules = [format!("lycoris_{path}"), format!("lora_te1_{path}"), format!("lora_te2_{path}")];
    let merged = |networks: &mut [_], modules: &[String]| {
        let modules: Vec<&str> = modules.iter().map(String::as_str).collect();
        lora(&folder, &modules, 8).merge(networks).unwrap().matched
    };
    assert_eq!(merged(&mut networks, &modules[..1]), 1);
    assert_eq!(merged(&mut networks[..1], &modules[..2]), 2);
    assert_eq!(merged(&mut networks[1..], &modules[2..]), 1);
}

#[test]
fn a_bias_that_only_peft_would_scale_may_be_missing_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let mut unet = weights(&folder, &UNET, 8);
    for (key, unmatched) in [("conv_in.ia3_l", vec![]), ("conv_in.diff_b", vec!["conv_in.diff_b".to_string()])] {
        let lora = open(&folder, &File::default().with("conv_in.ia3_l", &[4, 1]).with(key, &[4, 1]));
        let report = lora.merge(&mut [(Component::Unet, &mut unet)]).unwrap();
        assert_eq!((report.matched, report.unmatched), (1, unmatched), "{key}");
    }
}

#[test]
fn a_lora_file_may_contain_words() {
    let folder = tempfile::tempdir().unwrap();
    let file = File::default()
        .with("lora_unet_conv_in.diff", &[4, 8])
        .with("bundle_emb.cat.string_to_param.*", &[2, 8])
        .with("bundle_emb.<my dog>.clip_g", &[1, 6])
        .with("bundle_emb.<my dog>.clip_l", &[1, 8])
        .with("bundle_emb.v1.5.emb_params", &[8])
        .with("bundle_emb.cat.clip_l_out", &[1, 8]);
    let lora = open(&folder, &file);
    let found: Vec<(&str, Vec<usize>, usize)> = lora
        .words()
        .iter()
        .map(|word| (&word.word[..], word.vectors.iter().map(|(_, width)| *width).collect(), word.vectors[0].0.len()))
        .collect();
    assert_eq!(found, [("<my dog>", vec![8, 6], 8), ("cat", vec![8], 16), ("v1.5", vec![8], 8)]);
    assert_eq!(lora.words()[1].vectors[0].0[..2], file.tensors["bundle_emb.cat.string_to_param.*"].1[..2]);
    let mut unet = weights(&folder, &UNET, 8);
    let report = lora.merge(&mut [(Component::Unet, &mut unet)]).unwrap();
    assert_eq!((report.matched, report.unmatched), (1, vec!["bundle_emb.cat.clip_l_out".to_string()]));
    // Words alone are enough.
    let lora = open(&folder, &File::default().with("bundle_emb.cat.string_to_param.*", &[2, 8]));
    assert_eq!(lora.merge(&mut [(Component::Unet, &mut unet)]).unwrap().words, ["cat"]);
}
