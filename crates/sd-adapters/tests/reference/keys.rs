//! The names and shapes of all tensors of the published adapters, under the names of diffusers and of their original programs:
//! nothing missing, nothing unused.

use burn::module::Module;
use burn::tensor::Device;
use sd_adapters::{
    FullProjectionConfig, ImageAdapterConfig, ImageProjectionConfig, KeysValuesConfig, LayerCounts, ProjectionConfig,
    ResamplerConfig, T2iAdapterConfig,
};
use sd_golden::{assert_fits, listed, write_hollow};
use sd_weights::{Weights, WeightsError, control};

/// Checks a file with the tensors of a list, which `rename` translates.
#[track_caller]
fn check(list: &str, module: &impl Module, rename: impl Fn(&Weights) -> Result<Weights, WeightsError>) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("model.safetensors");
    let shapes = listed("keys", list);
    write_hollow(&shapes, &file);
    let weights = rename(&Weights::in_file(&file).unwrap()).unwrap();
    // It reports keys that are missing, unknown or of another shape.
    let fitted = weights.fitted(module).unwrap();
    assert_eq!(
        fitted.elements(),
        shapes.values().map(|shape| shape.iter().product::<usize>()).sum::<usize>(),
        "{list}"
    );
}

#[track_caller]
fn check_t2i(config: T2iAdapterConfig, list: &str) {
    let network = config.init(&Device::flex());
    assert_fits(&network, list);
    check(list, &network, control::t2i_adapter);
    check(&format!("{list}_original"), &network, control::t2i_adapter);
}

#[test]
fn the_t2i_adapters_fit_key_by_key() {
    check_t2i(T2iAdapterConfig::full(1), "t2i_adapter_sd15");
    check_t2i(T2iAdapterConfig::light(3), "t2i_adapter_light_sd14");
    check_t2i(T2iAdapterConfig::full_xl(3), "t2i_adapter_sdxl");
}

#[track_caller]
fn check_ip(projection: ProjectionConfig, list: &str) {
    let keys_values = match projection.token_width() {
        768 => KeysValuesConfig {
            token_width: 768,
            channels: [[320; 2], [640; 2], [1280; 2]].concat().into_iter().chain(way_up()).chain([1280]).collect(),
            counts: LayerCounts { down: 6, middle: 1, up: 9 },
        },
        _ => KeysValuesConfig {
            token_width: 2048,
            channels: [vec![640; 4], vec![1280; 20], vec![1280; 30], vec![640; 6], vec![1280; 10]].concat(),
            counts: LayerCounts { down: 24, middle: 10, up: 36 },
        },
    };
    let config = ImageAdapterConfig { projection, keys_values };
    check(list, &config.init(&Device::flex()), control::image_adapter);
}

fn way_up() -> impl Iterator<Item = usize> {
    [1280, 640, 320].into_iter().flat_map(|channels| [channels; 3])
}

#[test]
fn the_ip_adapters_of_1_5_fit_key_by_key() {
    let plain = ImageProjectionConfig { image_width: 1024, token_width: 768, tokens: 4 };
    check_ip(ProjectionConfig::Plain(plain), "ip_adapter_sd15");
    let plus = ResamplerConfig { image_width: 1280, width: 768, token_width: 768, tokens: 16, layers: 4, heads: 12 };
    check_ip(ProjectionConfig::Plus(plus), "ip_adapter_plus_sd15");
    let full = FullProjectionConfig { image_width: 1280, token_width: 768 };
    check_ip(ProjectionConfig::Full(full), "ip_adapter_full_face_sd15");
}

#[test]
fn the_ip_adapters_of_xl_fit_key_by_key() {
    let plain = ImageProjectionConfig { image_width: 1280, token_width: 2048, tokens: 4 };
    check_ip(ProjectionConfig::Plain(plain), "ip_adapter_sdxl");
    let vit_h = ImageProjectionConfig { image_width: 1024, ..plain };
    check_ip(ProjectionConfig::Plain(vit_h), "ip_adapter_sdxl_vit_h");
    let plus = ResamplerConfig { image_width: 1280, width: 1280, token_width: 2048, tokens: 16, layers: 4, heads: 20 };
    check_ip(ProjectionConfig::Plus(plus), "ip_adapter_plus_sdxl_vit_h");
}
