//! Adapters recognised by the names and shapes of their tensors, without configs.

use std::collections::BTreeMap;

use sd_adapters::{
    FullProjectionConfig, ImageAdapterConfig, ImageProjectionConfig, LayerCounts, ProjectionConfig, ResamplerConfig,
    T2iAdapterConfig,
};
use sd_golden::{Kind, listed, write_hollow};
use sd_model::ModelError;
use sd_model::config::{image_adapter_shape, inferred, t2i_adapter_config};
use sd_unet::UnetConfig;
use sd_weights::{Weights, WeightsError, control};

type Shapes = BTreeMap<String, Vec<usize>>;

/// A file of these tensors without values.
fn open(shapes: &Shapes) -> Weights {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("model.safetensors");
    write_hollow(shapes, &file);
    Weights::in_file(&file).unwrap()
}

fn t2i(shapes: &Shapes) -> Result<T2iAdapterConfig, ModelError> {
    let weights = control::t2i_adapter(&open(shapes))?;
    inferred::t2i_adapter(&weights)?.strictly(t2i_adapter_config)
}

fn ip(shapes: &Shapes, unet: &UnetConfig) -> Option<ImageAdapterConfig> {
    let weights = control::image_adapter(&open(shapes)).unwrap();
    image_adapter_shape(&weights).unwrap().config(unet)
}

#[test]
fn the_structure_of_t2i_adapters_is_inferred() {
    for (list, expected) in [
        ("t2i_adapter_sd15", T2iAdapterConfig::full(1)),
        ("t2i_adapter_light_sd14", T2iAdapterConfig::light(3)),
        ("t2i_adapter_sdxl", T2iAdapterConfig::full_xl(3)),
    ] {
        for list in [list, &format!("{list}_original")] {
            let weights = open(&listed("keys", list));
            assert!(control::is_t2i_adapter(&weights) && !control::is_image_adapter(&weights), "{list}");
            assert_eq!(t2i(&listed("keys", list)).unwrap(), expected, "{list}");
        }
    }
    let with_inputs = |inputs| {
        let mut shapes = listed("keys", "t2i_adapter_sd15_original");
        shapes.get_mut("conv_in.weight").unwrap()[1] = inputs;
        t2i(&shapes)
    };
    assert_eq!(with_inputs(192).unwrap(), T2iAdapterConfig::full(3));
    assert_eq!(with_inputs(256).unwrap(), T2iAdapterConfig::full_xl(1));
    let error = with_inputs(128).unwrap_err().to_string();
    assert!(error.contains("`adapter.conv_in.weight` has 128 inputs"), "{error}");
}

#[test]
fn the_structure_of_ip_adapters_is_inferred() {
    let plain = |image_width, token_width| {
        ProjectionConfig::Plain(ImageProjectionConfig { image_width, token_width, tokens: 4 })
    };
    let plus = |width, token_width, heads| {
        let (image_width, tokens, layers) = (1280, 16, 4);
        ProjectionConfig::Plus(ResamplerConfig { image_width, width, token_width, tokens, layers, heads })
    };
    let full = ProjectionConfig::Full(FullProjectionConfig { image_width: 1280, token_width: 768 });
    let (sd1, xl) = (UnetConfig::sd1(), UnetConfig::sdxl());
    for (list, projection, unet, other) in [
        ("ip_adapter_sd15", plain(1024, 768), &sd1, &xl),
        ("ip_adapter_plus_sd15", plus(768, 768, 12), &sd1, &xl),
        ("ip_adapter_full_face_sd15", full, &sd1, &xl),
        ("ip_adapter_sdxl", plain(1280, 2048), &xl, &sd1),
        ("ip_adapter_sdxl_vit_h", plain(1024, 2048), &xl, &sd1),
        ("ip_adapter_plus_sdxl_vit_h", plus(1280, 2048, 20), &xl, &sd1),
    ] {
        let shapes = listed("keys", list);
        let config = ip(&shapes, unet).unwrap();
        assert_eq!((config.projection, config.keys_values.channels.len()), (projection, unet.attention_layers().len()));
        assert_eq!(ip(&shapes, other), None, "{list}");
        // 2.x has the channels of 1.x, and reads other tokens.
        assert_eq!(ip(&shapes, &UnetConfig::sd2()), None, "{list}");
    }
}

#[test]
fn the_layers_of_a_file_are_those_of_the_u_net() {
    let unet = Kind::Sdxl.unet();
    let config = ip(&listed("adapters", "ip_plus_xl"), &unet).unwrap();
    assert_eq!(config.keys_values.counts, LayerCounts { down: 6, middle: 2, up: 9 });
    let counts = ip(&listed("adapters", "ip_plain"), &Kind::Sd1.unet()).unwrap().keys_values.counts;
    assert_eq!(counts, LayerCounts { down: 6, middle: 1, up: 9 });
}

#[track_caller]
fn refused(shapes: &[(&str, &[usize])], expected: &[&str]) {
    let mut all = listed("keys", "ip_adapter_sd15");
    all.retain(|key, _| key.starts_with("ip_adapter."));
    all.extend(shapes.iter().map(|(key, shape)| ((*key).to_string(), shape.to_vec())));
    let weights = open(&all);
    assert!(control::is_image_adapter(&weights));
    let error = control::image_adapter(&weights).unwrap_err();
    assert!(matches!(error, WeightsError::NotAModel { .. }), "{error}");
    let error = error.to_string();
    assert!(expected.iter().all(|part| error.contains(part)), "{error}");
}

#[test]
fn adapters_that_need_a_face_recogniser_are_refused_with_the_reason() {
    let mlp: [(&str, &[usize]); 3] = [
        ("image_proj.proj.0.weight", &[1024, 512]),
        ("image_proj.proj.2.weight", &[3072, 1024]),
        ("image_proj.norm.weight", &[768]),
    ];
    refused(&mlp, &["an IP-Adapter FaceID", "face recogniser (InsightFace)", "use an IP-Adapter Plus Face"]);
    let lora: (&str, &[usize]) = ("ip_adapter.0.to_q_lora.down.weight", &[128, 320]);
    refused(&[lora], &["an IP-Adapter FaceID:", "InsightFace"]);
    let resampler: (&str, &[usize]) = ("image_proj.perceiver_resampler.proj_in.weight", &[768, 1280]);
    refused(&[mlp[0], mlp[1], mlp[2], resampler], &["an IP-Adapter FaceID Plus", "InsightFace"]);
    let latents: (&str, &[usize]) = ("image_proj.latents", &[1, 16, 1280]);
    refused(&[latents, ("image_proj.proj_in.weight", &[1280, 512])], &["the IP-Adapter of InstantID", "InsightFace"]);
}

#[test]
fn other_files_are_no_adapters() {
    refused(&[("image_proj.something.weight", &[1])], &["no such IP-Adapter", "plain, Plus, Plus Face and Full"]);
    let weights = open(&listed("keys", "unet_sd15"));
    assert!(!control::is_t2i_adapter(&weights) && !control::is_image_adapter(&weights));
    let error = control::t2i_adapter(&weights).unwrap_err().to_string();
    assert!(error.contains("no T2I-Adapter") && error.contains("body.0.block1"), "{error}");
}

/// The numbers of layers between which there is self-attention are odd.
#[test]
fn a_layer_with_an_even_number_is_not_taken_for_another() {
    let mut shapes = listed("keys", "ip_adapter_sd15");
    let moved = shapes.remove("ip_adapter.31.to_k_ip.weight").unwrap();
    shapes.insert("ip_adapter.32.to_k_ip.weight".into(), moved);
    assert_eq!(ip(&shapes, &UnetConfig::sd1()), None);
}
