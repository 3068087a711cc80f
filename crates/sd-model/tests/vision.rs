//! Image encoders opened from every layout: the same weights give the same outputs, bit for bit.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::{Tensor, TensorData};
use sd_clip::{ClipVisionConfig, VisionEncoding};
use sd_golden::{TinyModel, assert_close, data, devices, noise, vision, write_listed, write_weights};
use sd_model::{DType, Device, ModelError, VisionFile};
use sd_weights::single_file::open_clip_vision;
use sd_weights::{View, Weights};

/// Tensors of a file by key: shapes and values.
type Tensors = sd_golden::Tensors;

fn read(file: &Path) -> Tensors {
    let weights = Weights::in_file(file).unwrap();
    let tensor = |key: &str| (weights.shape(key).unwrap().to_vec(), weights.read(key).unwrap());
    weights.keys().map(|key| (key.to_string(), tensor(key))).collect()
}

fn encode(config: &ClipVisionConfig, path: &Path, dtype: DType) -> VisionEncoding {
    let (file, device) = (VisionFile::open(path).unwrap(), Device::flex());
    assert_eq!(file.config(), config, "{}", path.display());
    let side = config.image_size;
    file.load(&device, dtype).unwrap().forward(noise("image", [2, 3, side, side], &device))
}

fn bits(encoding: VisionEncoding) -> [TensorData; 3] {
    [encoding.penultimate.into_data(), encoding.last.into_data(), encoding.embeds.into_data()]
}

/// An encoder whose configuration its shapes tell.
fn conventional() -> ClipVisionConfig {
    ClipVisionConfig {
        hidden_size: 64,
        intermediate_size: 96,
        num_hidden_layers: 3,
        num_attention_heads: 1,
        image_size: 42,
        projection_dim: Some(48),
        ..ClipVisionConfig::vit_l()
    }
}

/// The same tensors with OpenCLIP's names.
fn open_clip(tensors: &Tensors) -> Tensors {
    let table = open_clip_vision(3);
    let mut found: BTreeMap<String, (Vec<usize>, Vec<f32>)> = BTreeMap::new();
    for (key, (shape, values)) in tensors {
        let (name, view) = table.to_single(key).unwrap_or_else(|| panic!("{key}"));
        let (third, thirds) = if let View::Third(third) = view { (third, 3) } else { (0, 1) };
        let mut whole = shape.clone();
        whole[0] *= thirds;
        let mut values = values.clone();
        if view == View::Transposed {
            let (rows, columns) = (shape[0], shape[1]);
            values = (0..columns)
                .flat_map(|c| (0..rows).map(move |r| (r, c)))
                .map(|(r, c)| values[r * columns + c])
                .collect();
            whole.reverse();
        }
        let tensor = found.entry(format!("visual.{name}")).or_insert((whole, vec![f32::NAN; thirds * values.len()]));
        tensor.1[third * values.len()..][..values.len()].copy_from_slice(&values);
    }
    found
}

fn renamed(tensors: &Tensors, name: impl Fn(&str) -> String) -> Tensors {
    tensors.iter().map(|(key, tensor)| (name(key), tensor.clone())).collect()
}

/// What a whole CLIP has beside its image encoder.
fn beside() -> Tensors {
    let names = [
        "text_model.embeddings.token_embedding.weight",
        "text_model.encoder.layers.0.layer_norm1.weight",
        "text_projection.weight",
        "logit_scale",
    ];
    names.into_iter().map(|name| (name.to_string(), (vec![1], vec![f32::NAN]))).collect()
}

#[test]
fn every_layout_gives_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let config = conventional();
    let file = |name: &str| folder.path().join(format!("{name}.safetensors"));
    write_weights("vision", "conventional", &config.init(&Device::flex()), &file("plain"));
    let plain = read(&file("plain"));
    let write = |name: &str, tensors: Tensors| sd_golden::write_tensors(&tensors, &file(name));
    let ids = ("vision_model.embeddings.position_ids".to_string(), (vec![1, 10], vec![0.0; 10]));
    write("whole", plain.clone().into_iter().chain(beside()).chain([ids]).collect());
    write("bare", renamed(&plain, |key| key.trim_start_matches("vision_model.").to_string()));
    write("prefixed", renamed(&plain, |key| format!("clip.{key}")));
    write("open_clip", open_clip(&plain).into_iter().chain(beside()).collect());
    write("visual", renamed(&open_clip(&plain), |key| key.trim_start_matches("visual.").to_string()));
    write("unclip", renamed(&open_clip(&plain), |key| format!("embedder.model.{key}")));
    let expected = bits(encode(&config, &file("plain"), DType::F32));
    for name in ["whole", "bare", "prefixed", "open_clip", "visual", "unclip"] {
        assert_eq!(bits(encode(&config, &file(name), DType::F32)), expected, "{name}");
    }
}

#[test]
fn an_encoder_without_projection_gives_its_pooled_vector() {
    let folder = tempfile::tempdir().unwrap();
    let config = ClipVisionConfig { projection_dim: None, ..conventional() };
    let file = folder.path().join("model.safetensors");
    write_weights("vision", "conventional", &config.init(&Device::flex()), &file);
    assert_eq!(encode(&config, &file, DType::F32).embeds.dims(), [2, 64]);
}

#[test]
fn a_folder_of_a_whole_clip_is_read() {
    let [(name, config), _] = vision();
    let model = TinyModel::vision(name);
    let folder = model.path().join("image_encoder");
    let expected = bits(encode(&config, &folder, DType::F32));
    assert_eq!(bits(encode(&config, model.path(), DType::F32)), expected);
    std::fs::copy(data().join("vision/clip/config.json"), folder.join("config.json")).unwrap();
    let file = folder.join("model.safetensors");
    sd_golden::write_tensors(&read(&file).into_iter().chain(beside()).collect(), &file);
    assert_eq!(bits(encode(&config, &folder, DType::F32)), expected);
}

#[test]
fn half_precision_is_near_single_precision() {
    for (name, config) in vision() {
        let model = TinyModel::vision(name);
        let [_, single, _] = bits(encode(&config, model.path(), DType::F32));
        for (dtype, tolerance) in [(DType::F16, 1e-6), (DType::BF16, 3e-2)] {
            let [_, half, _] = bits(encode(&config, model.path(), dtype));
            half.assert_approx_eq::<f32>(&single, burn::tensor::Tolerance::absolute(tolerance));
        }
    }
}

#[test]
fn every_device_computes_in_its_precisions() {
    let [(name, config), _] = vision();
    let (model, side) = (TinyModel::vision(name), config.image_size);
    let file = VisionFile::open(model.path()).unwrap();
    let [_, expected, _] = bits(encode(&config, model.path(), DType::F32));
    for (_, device) in devices() {
        for dtype in [DType::F32, DType::F16, DType::BF16] {
            let encoder = match file.load(&device, dtype) {
                Ok(encoder) => encoder,
                Err(ModelError::Precision { .. }) => continue,
                Err(error) => panic!("{error}"),
            };
            let found = encoder.forward(noise("image", [2, 3, side, side], &device)).last;
            let found: Tensor<3> = found.cast(burn::tensor::DType::F32);
            let tolerance = if dtype == DType::F32 { 1e-4 } else { 0.1 };
            found.into_data().assert_approx_eq::<f32>(&expected, burn::tensor::Tolerance::absolute(tolerance));
        }
    }
}

/// The names, the thirds and the transposed projection are those of OpenCLIP itself.
#[test]
fn open_clips_own_network_computes_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("open_clip.safetensors");
    write_listed("vision", "open_clip", &file);
    let [(_, config), _] = vision();
    let weights = sd_weights::single_file::image_encoder(Weights::in_file(&file).unwrap()).unwrap();
    for (name, device) in devices() {
        let encoder = weights.load(config.init(&device), burn::tensor::FloatDType::F32).unwrap();
        let pixels = noise("gelu.pixels", [2, 3, 56, 56], &device);
        let expected = data().join("vision/networks.safetensors");
        assert_close(encoder.forward(pixels).embeds, &expected, "open_clip.embeds", name);
    }
}

#[test]
fn what_is_no_image_encoder_is_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let error = |path: &Path| VisionFile::open(path).unwrap_err().to_string();
    assert!(error(&path("missing")).ends_with("or a file"), "{}", error(&path("missing")));
    sd_golden::write_tensors(&beside(), &path("text.safetensors"));
    let text = error(&path("text.safetensors"));
    assert!(text.contains("this is no image encoder of CLIP: expected the names of"), "{text}");

    let model = TinyModel::vision("gelu");
    let change = |key: &str, value: serde_json::Value| {
        model.change("image_encoder/config.json", &[(key.to_string(), value)].into_iter().collect());
        error(model.path())
    };
    let found = change("hidden_act", "relu".into());
    assert!(found.contains("`hidden_act` is \"relu\", only \"quick_gelu\" and \"gelu\" are supported"), "{found}");
    let found = change("patch_size", 60.into());
    assert!(found.contains("relu"), "{found}");
    change("hidden_act", "gelu".into());
    let found = change("num_attention_heads", 3.into());
    assert!(found.contains("`hidden_size` 52 does not divide into `num_attention_heads`, 3"), "{found}");
    change("num_attention_heads", 2.into());
    let found = change("patch_size", 60.into());
    assert!(found.contains("`patch_size` is 60, expected at most `image_size`, 56"), "{found}");
    let found = change("model_type", "siglip_vision_model".into());
    assert!(found.contains("`model_type` is \"siglip_vision_model\""), "{found}");
}

#[test]
fn a_damaged_encoder_is_refused_with_the_names_of_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let config = conventional();
    let file = folder.path().join("model.safetensors");
    write_weights("vision", "conventional", &config.init(&Device::flex()), &file);
    let mut tensors = open_clip(&read(&file));
    tensors.remove("visual.ln_post.bias");
    tensors.insert("visual.ls.gamma".into(), (vec![1], vec![0.0]));
    sd_golden::write_tensors(&tensors, &file);
    let found = VisionFile::open(&file).unwrap().load(&Device::flex(), DType::F32).unwrap_err().to_string();
    assert!(found.contains("1 key missing (visual.ln_post.bias), 1 key unknown (visual.ls.gamma)"), "{found}");
}
