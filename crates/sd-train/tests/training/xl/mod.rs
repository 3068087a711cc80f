//! A LoRA of the tiny XL model against the same training with PEFT, and the names of its files.

use std::collections::BTreeMap;
use std::ops::Range;

use burn::module::Module;
use burn::tensor::{Device, FloatDType, Tensor};
use sd_golden::Kind;
use sd_train::tasks::{Adaptation, EncodedText};
use sd_train::{AdapterConfig, Targets, Task};
use sd_unet::{AddedConditions, Conditions, UnetConfig};
use sd_weights::{Component, LoraLayer, LoraNames, LoraTensor, OriginalNames, Weights, parameters, write_lora};

use crate::peft::{Golden, trainer};
use crate::seeded::{Seeded, check_losses};

/// The tiny XL model.
struct Xl(Seeded);

impl Task<Adaptation> for Xl {
    type Batch = Range<u64>;

    fn batch(&self, draws: Range<u64>) -> Range<u64> {
        draws
    }

    fn losses(&self, model: &Adaptation, draws: &Range<u64>) -> Tensor<1> {
        let (noisy, images) = self.0.noisy(draws);
        let ids = |image: u32| (0..2).flat_map(move |other| (0..77).map(move |at| (7 * image + 3 * at + other) % 300));
        let captions: Vec<Vec<u32>> = images.iter().map(|image| ids(*image as u32).collect()).collect();
        let sizes = |image: f64| vec![64.0 + 8.0 * image, 72.0, image, 2.0 * image, 64.0, 64.0];
        let networks = model.apply(&self.0.networks);
        let EncodedText { states, pooled } = networks.encode(&captions);
        let text_embeds = pooled.expect("XL's pooled vectors");
        let time_ids = images.iter().map(|image| sizes(*image as f64)).collect();
        let text = Conditions::new(states).with_added(AddedConditions { text_embeds, time_ids });
        self.0.losses(&noisy, |x, t| networks.unet.forward(x, t, &text))
    }
}

#[test]
fn the_losses_of_a_lora_for_xl_are_those_of_peft() {
    let golden: Golden = serde_json::from_str(include_str!("losses.json")).unwrap();
    let mut task = Xl(Seeded::of(Kind::Sdxl));
    let config = AdapterConfig::new(4, 8.0).with_targets(Targets::All);
    let model = Adaptation::new(&task.0.networks, config, Some(config), 0, &Device::flex().autodiff());
    assert_eq!(model.num_params(), golden.weights);
    check_losses(&mut trainer(model), &mut task, &golden.losses);
}

/// The names of files that kohya's programs wrote.
#[test]
fn layers_of_xl_have_the_original_programs_names() {
    let unet = parameters(&UnetConfig::sdxl().init(&Device::flex()));
    let names = LoraNames::KohyaXl(OriginalNames::from_keys(unet.iter().map(|(key, _)| &key[..])));
    let tensors = vec![LoraTensor { name: "lora_down.weight", shape: vec![1, 1], values: vec![1.0] }];
    let layer = |component, path: &str| LoraLayer {
        component,
        path: path.into(),
        rank: 1,
        alpha: 1.0,
        tensors: tensors.clone(),
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lora.safetensors");
    for (component, path, expected) in [
        (
            Component::Unet,
            "down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q",
            "lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q",
        ),
        (
            Component::Unet,
            "up_blocks.0.attentions.1.transformer_blocks.9.attn2.to_out.0",
            "lora_unet_output_blocks_1_1_transformer_blocks_9_attn2_to_out_0",
        ),
        (Component::Unet, "mid_block.attentions.0.proj_in", "lora_unet_middle_block_1_proj_in"),
        (Component::Unet, "down_blocks.0.resnets.0.conv1", "lora_unet_input_blocks_1_0_in_layers_2"),
        (Component::Unet, "down_blocks.0.downsamplers.0.conv", "lora_unet_input_blocks_3_0_op"),
        (Component::Unet, "up_blocks.0.upsamplers.0.conv", "lora_unet_output_blocks_2_2_conv"),
        (Component::TextEncoder, "text_model.encoder.layers.3.mlp.fc1", "lora_te1_text_model_encoder_layers_3_mlp_fc1"),
        (
            Component::TextEncoder2,
            "text_model.encoder.layers.31.self_attn.q_proj",
            "lora_te2_text_model_encoder_layers_31_self_attn_q_proj",
        ),
    ] {
        write_lora(&file, &[layer(component, path)], &names, FloatDType::F32, &BTreeMap::new()).unwrap();
        let written = Weights::in_file(&file).unwrap();
        assert!(written.keys().any(|key| key == format!("{expected}.lora_down.weight")), "{path}");
    }
}
