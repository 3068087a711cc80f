//! The published ControlNets, known by the names and shapes of their tensors alone: nothing missing, nothing unused.

use std::collections::BTreeMap;

use burn::tensor::Device;
use sd_golden::{listed, write_hollow};
use sd_model::config::{control_net_config, inferred};
use sd_model::{ControlFile, ControlKind};
use sd_unet::{ControlNetConfig, UnetConfig, UnetLevel};
use sd_weights::control::{ControlLayout, ControlWeights};
use sd_weights::{Form, Weights};

use crate::temporary;

type Shapes = BTreeMap<String, Vec<usize>>;

fn open(shapes: &Shapes) -> ControlFile {
    let folder = temporary();
    let path = folder.path().join("control.safetensors");
    write_hollow(shapes, &path);
    ControlFile::open(path).unwrap()
}

/// The configuration that is inferred from shapes; fails unless all tensors fit the network.
fn config(shapes: &Shapes) -> ControlNetConfig {
    let folder = temporary();
    let path = folder.path().join("control.safetensors");
    write_hollow(shapes, &path);
    let weights = ControlWeights::recognise(Weights::in_file(&path).unwrap()).unwrap().own;
    let config = inferred::control_net(&weights).unwrap().strictly(control_net_config).unwrap();
    weights.fitted(&config.init(&Device::flex())).unwrap();
    config
}

/// Without the way up, which a ControlNet does not have.
fn down(mut levels: Vec<UnetLevel>) -> Vec<UnetLevel> {
    levels.iter_mut().for_each(|level| level.up_attention.clear());
    levels
}

#[test]
fn the_structure_of_published_networks_is_inferred() {
    for (list, unet, kinds, family) in [
        ("controlnet_sd15", UnetConfig::sd1(), None, "Stable Diffusion 1.x"),
        ("controlnet_sd21", UnetConfig::sd2(), None, "Stable Diffusion 2.x"),
        ("controlnet_sdxl", UnetConfig::sdxl(), None, "Stable Diffusion XL"),
        ("controlnet_union", UnetConfig::sdxl(), Some(6), "Stable Diffusion XL"),
        ("controlnet_promax", UnetConfig::sdxl(), Some(8), "Stable Diffusion XL"),
    ] {
        let shapes = listed("keys", list);
        let found = config(&shapes);
        assert_eq!(found.union.map(|union| (union.kinds, union.layers)), kinds.map(|kinds| (kinds, 1)), "{list}");
        assert_eq!(found.hint_widths, [16, 32, 96, 256], "{list}");
        let rest = |config: &UnetConfig| UnetConfig { levels: Vec::new(), ..config.clone() };
        assert_eq!(rest(&found.unet), rest(&unet), "{list}");
        assert_eq!(down(found.unet.levels), down(unet.levels), "{list}");
        let file = open(&shapes);
        assert_eq!(file.summary().family, family, "{list}");
        let names = file.condition_types();
        assert_eq!(names.len(), kinds.unwrap_or(0), "{list}");
        assert_eq!(file.kind() == ControlKind::Union, kinds.is_some(), "{list}");
    }
}

#[test]
fn the_small_networks_of_xl_have_less_attention() {
    let mut shapes = listed("keys", "controlnet_sdxl_small");
    let small = config(&shapes);
    assert!((small.unet.mid_resnets, small.unet.mid_attention) == (1, 0));
    assert!(small.unet.levels.iter().all(|level| level.down_attention.is_empty()));
    assert_eq!(open(&shapes).summary().family, "Stable Diffusion XL");
    // The middle one has transformers of one layer at the coarsest level, and of none above.
    shapes = listed("keys", "controlnet_sdxl");
    shapes.retain(|key, _| {
        let layer = key.split_once(".transformer_blocks.").map(|(_, rest)| rest.split('.').next().unwrap());
        layer.is_none_or(|layer| layer == "0" && !key.starts_with("down_blocks.1."))
    });
    let middle = config(&shapes).unet;
    let layers: Vec<Vec<usize>> = middle.levels.iter().map(|level| level.down_attention.clone()).collect();
    assert_eq!((layers, middle.mid_attention), (vec![vec![], vec![0, 0], vec![1, 1]], 1));
}

#[test]
fn the_original_programs_layout_is_known() {
    let shapes = listed("keys", "controlnet_sd15");
    let folder = temporary();
    let path = folder.path().join("diffusers.safetensors");
    write_hollow(&shapes, &path);
    let original = folder.path().join("original.safetensors");
    // Only names and shapes are of interest, so the smallest are enough.
    let smallest: Shapes = shapes.keys().map(|key| (key.clone(), vec![1])).collect();
    write_hollow(&smallest, &path);
    let weights = Weights::in_file(&path).unwrap();
    let writer = ControlLayout::Original.writer(&weights, sd_golden::Family::Sd1).unwrap();
    writer.write(&original, Form::Own, &mut |_| std::ops::ControlFlow::Continue(())).unwrap();
    let names = Weights::in_file(&original).unwrap();
    for key in [
        "control_model.input_hint_block.14.weight",
        "control_model.zero_convs.11.0.bias",
        "control_model.middle_block_out.0.weight",
        "control_model.input_blocks.11.0.out_layers.3.weight",
        "control_model.input_blocks.8.1.transformer_blocks.0.attn2.to_k.weight",
        "control_model.time_embed.2.bias",
    ] {
        assert!(names.shape(key).is_some(), "{key}");
    }
    assert_eq!(names.keys().count(), shapes.len());
    let again = ControlWeights::recognise(names).unwrap().own;
    assert!(again.keys().eq(shapes.keys().map(String::as_str)));
}
