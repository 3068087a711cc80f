//! Each kind of adapter against the reference, on every backend of this build: relative error at most 1e-4. Files of all layouts
//! give the same bits.

use std::fs::read_to_string;
use std::path::{Path, PathBuf};

use burn::tensor::{Device, FloatDType, Tensor, TensorData};
use half::f16;
use sd_adapters::{
    ImageAdapterConfig, ImageProjectionConfig, KeysValuesConfig, LayerCounts, ProjectionConfig, T2iAdapter,
};
use sd_golden::{SingleTensor, assert_close, data, devices, noise, save_single};
use sd_ops::lay_out;
use sd_weights::{Weights, control};

use crate::adapters::{T2i, image_adapters, t2i_adapters};

fn expected() -> PathBuf {
    data().join("adapters/networks.safetensors")
}

fn load_t2i(adapter: &T2i, file: &Path, device: &Device) -> T2iAdapter {
    let weights = control::t2i_adapter(&Weights::in_file(file).unwrap()).unwrap();
    lay_out(weights.load(adapter.config.init(device), FloatDType::F32).unwrap())
}

fn features(adapter: &T2i, file: &str, device: &Device) -> Vec<Tensor<4>> {
    let [height, width] = adapter.size;
    let drawing = noise("drawing", [2, adapter.config.in_channels, height, width], device);
    load_t2i(adapter, &adapter.folder.path().join(file), device).forward(drawing)
}

#[test]
fn the_feature_maps_of_t2i_adapters_match_the_reference() {
    for (device_name, device) in devices() {
        for adapter in t2i_adapters() {
            let features = features(&adapter, "diffusers.safetensors", &device);
            assert_eq!(features.len(), 4);
            for (i, feature) in features.into_iter().enumerate() {
                assert_close(feature, &expected(), &format!("{}.{i}", adapter.name), device_name);
            }
        }
    }
}

#[test]
fn t2i_adapters_under_their_original_names_give_the_same_bits() {
    let device = Device::flex();
    let bits = |features: Vec<Tensor<4>>| features.into_iter().map(Tensor::into_data).collect::<Vec<TensorData>>();
    for adapter in t2i_adapters() {
        let (name, folder) = (adapter.name, adapter.folder.path());
        let weights = Weights::in_file(&folder.join("diffusers.safetensors")).unwrap();
        let names = read_to_string(data().join("adapters").join(format!("{name}.txt"))).unwrap();
        for prefix in ["", "module.", "adapter."] {
            let tensor = |line: &str| {
                let (key, original) = line.split_once(' ').unwrap();
                let numbers = weights.read(key).unwrap().into_iter().map(f16::from_f32).collect();
                let shape = weights.shape(key).unwrap().to_vec();
                SingleTensor { key: format!("{prefix}{original}"), shape, numbers }
            };
            save_single(&names.lines().map(tensor).collect::<Vec<_>>(), &folder.join("original.safetensors"));
            let found = bits(features(&adapter, "original.safetensors", &device));
            assert!(found == bits(features(&adapter, "diffusers.safetensors", &device)), "{name} {prefix}");
        }
    }
}

#[test]
fn the_tokens_of_image_adapters_and_their_keys_and_values_match_the_reference() {
    for (device_name, device) in devices() {
        for adapter in image_adapters() {
            let (name, network) = (adapter.name, adapter.load(&device));
            // The same names as in the reference, whose embeddings have no axis of states.
            let states: Tensor<3> = match name {
                "ip_plain" => noise("states", [2, 20], &device).unsqueeze_dim(1),
                "ip_plus" => noise("states", [2, 5, 20], &device),
                _ => noise("states", [1, 5, 20], &device),
            };
            let tokens = network.tokens(states);
            assert_close(tokens.clone(), &expected(), &format!("{name}.tokens"), device_name);
            for (i, (key, value)) in network.keys_values(tokens).into_iter().enumerate() {
                assert_close(key, &expected(), &format!("{name}.key.{i}"), device_name);
                assert_close(value, &expected(), &format!("{name}.value.{i}"), device_name);
            }
        }
    }
}

#[test]
fn an_image_adapter_of_nested_dictionaries_gives_the_same_bits() {
    let counts = LayerCounts { down: 1, middle: 0, up: 0 };
    let config = ImageAdapterConfig {
        projection: ProjectionConfig::Plain(ImageProjectionConfig { image_width: 4, token_width: 4, tokens: 4 }),
        keys_values: KeysValuesConfig { token_width: 4, channels: vec![8], counts },
    };
    let device = Device::flex();
    let bits = |file: &str| {
        let weights = Weights::in_file(&data().join("adapters").join(file)).unwrap();
        assert!(control::is_image_adapter(&weights) && !control::is_t2i_adapter(&weights));
        let weights = control::image_adapter(&weights).unwrap();
        let network = weights.load(config.init(&device), FloatDType::F32).unwrap();
        let tokens = network.tokens(noise("states", [1, 1, 4], &device));
        let (key, value) = network.keys_values(tokens).remove(0);
        [key.into_data(), value.into_data()]
    };
    assert!(bits("nested.bin") == bits("flat.safetensors"));
}
