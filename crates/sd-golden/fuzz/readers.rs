//! Reads untrusted files: one function for each kind of file. None may panic, hang or exhaust the memory, whatever the bytes
//! are. The fuzz targets and `tests/fuzz.rs` call them.

#![allow(dead_code, reason = "each fuzz target uses one of them")]

use std::fs;
use std::path::Path;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use burn::tensor::Device;
use sd_clip::Tokenizer;
use sd_golden::{Kind, TinyModel, zip};
use sd_pipeline::{
    Choices, ControlFile, DType, DeviceInfo, ImageAdapterFile, Model, Pipeline, Plan, Request, describe, device_info,
};
use sd_weights::{Lora, TextualInversion, Weights};
use serde_json::Value;
use tempfile::tempdir;

static PROCESSOR: LazyLock<DeviceInfo> = LazyLock::new(|| device_info("flex").expect("the processor"));

/// Reads a safetensors file: two bytes are the number of bytes after the header, the others the header.
pub fn header(bytes: &[u8]) {
    let Some((count, header)) = bytes.split_first_chunk() else { return };
    let length = (header.len() as u64).to_le_bytes();
    file(&[&length, header, &vec![0; u16::from_le_bytes(*count).into()]].concat());
}

/// Reads a file of weights of any format, in every role that such a file can have.
pub fn file(bytes: &[u8]) {
    let folder = tempdir().expect("a temporary folder");
    let path = folder.path().join("weights");
    fs::write(&path, bytes).expect("the temporary folder can be written");
    if let Ok(weights) = Weights::in_file(&path) {
        read(&weights);
        // Each of these must cope with weights that are not meant for it.
        let _ = describe(&path, &Choices::default());
        let _ = Model::open(&path);
        let _ = Model::open_with(tiny().path(), &Choices { vae: Some(path.clone()), ..Choices::default() });
        let _ = TextualInversion::open(&path);
        if let Ok(lora) = Lora::open(&path, 1.0) {
            let _ = Model::open(tiny().path()).expect("it is complete").merge(lora);
        }
        if let Ok(control) = ControlFile::open(&path) {
            let _ = (control.summary(), Model::open(tiny().path()).expect("it is complete").add_control(control));
        }
        if let Ok(adapter) = ImageAdapterFile::open(&path, None) {
            let _ = (adapter.summary(), Model::open(tiny().path()).expect("it is complete").add_image_adapter(adapter));
        }
    }
}

/// Reads the pickle of a PyTorch file with a storage of 16 bytes.
pub fn pickle(bytes: &[u8]) {
    file(&zip(&[("x/data.pkl", bytes), ("x/byteorder", b"little"), ("x/data/0", &[0; 16])]));
}

/// Reads the index of sharded weights; the only shard is `w.safetensors`.
pub fn index(bytes: &[u8]) {
    let folder = tempdir().expect("a temporary folder");
    let header = br#"{"a":{"dtype":"F16","shape":[1],"data_offsets":[0,2]}}"#;
    let shard = [&(header.len() as u64).to_le_bytes()[..], header, &[0; 2]].concat();
    for (name, bytes) in [("w.safetensors", &shard[..]), ("v.safetensors.index.json", bytes)] {
        fs::write(folder.path().join(name), bytes).expect("the temporary folder can be written");
    }
    if let Ok(weights) = Weights::in_folder(folder.path(), "v") {
        read(&weights);
    }
}

/// Reads a config of an otherwise complete model folder. The first byte selects the config. If its highest bit is set, the
/// second byte selects the value that the other bytes replace.
pub fn config(bytes: &[u8]) {
    const FILES: [&str; 8] = [
        "model_index.json",
        "scheduler/scheduler_config.json",
        "text_encoder/config.json",
        "unet/config.json",
        "vae/config.json",
        // The files below belong to a model that works on pixels.
        "model_index.json",
        "scheduler/scheduler_config.json",
        "unet/config.json",
    ];
    let &[which, ref rest @ ..] = bytes else { return };
    let index = usize::from(which) % FILES.len();
    let model = if index < 5 { tiny() } else { in_pixels() };
    let changed = |value: &u8, text: &[u8]| {
        let file = model.path().join(FILES[index]);
        let mut map: serde_json::Map<String, Value> =
            serde_json::from_slice(&fs::read(file).expect("it is complete")).expect("it is an object");
        let changed = usize::from(*value) % map.len();
        if let Some(value) = map.values_mut().nth(changed) {
            *value = serde_json::from_slice(text).unwrap_or_default();
        }
        [&[which], Value::Object(map).to_string().as_bytes()].concat()
    };
    let bytes = match rest {
        [value, text @ ..] if which >= 128 => &changed(value, text)[..],
        _ => bytes,
    };
    replaced(model.path(), &FILES, bytes, || {
        let Ok(model) = Model::open(model.path()) else { return };
        let request = if index < 5 { Request::new("a cat") } else { Request::default() };
        let _ = model.summary();
        if let Ok(plan) = Plan::new(&model, &request) {
            let _ = (plan.parameters(), plan.to_string(), model.memory(&plan.workload(), DType::F32, &PROCESSOR));
            let _ = Pipeline::load(model, &Device::flex(), DType::F32);
        }
    });
}

/// Reads a file of an otherwise complete tokenizer; the first byte selects the file.
pub fn tokenizer(bytes: &[u8]) {
    const FILES: [&str; 6] = [
        "vocab.json",
        "merges.txt",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "added_tokens.json",
        "tokenizer.json",
    ];
    let model = tiny();
    let folder = model.path().join("tokenizer");
    replaced(&folder, &FILES, bytes, || {
        let Ok(mut tokenizer) = Tokenizer::from_folder(&folder) else { return };
        for prompt in ["", "a cat's 2 naïve houses, <|endoftext|>! \u{10ffff}"] {
            assert_eq!(tokenizer.encode(prompt).ids.len(), tokenizer.max_length());
            tokenizer.split_words(prompt);
        }
        let _ = (tokenizer.highest_id(), tokenizer.add("cat", vec![0, 1]));
        assert!(tokenizer.agrees_with(&tokenizer.clone()));
    });
}

/// Reads all values, which are at most as many as the file has.
fn read(weights: &Weights) {
    for key in weights.keys() {
        let _ = weights.read(key);
    }
}

/// Returns a small complete model, which is written once and used by one caller at a time.
fn tiny() -> MutexGuard<'static, TinyModel> {
    static MODEL: LazyLock<Mutex<TinyModel>> = LazyLock::new(|| Mutex::new(TinyModel::new(Kind::Sd1)));
    MODEL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns a model that works on pixels, likewise.
fn in_pixels() -> MutexGuard<'static, TinyModel> {
    static MODEL: LazyLock<Mutex<TinyModel>> = LazyLock::new(|| Mutex::new(TinyModel::ddpm()));
    MODEL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `read` while one of `files` is replaced: the first byte selects the file, the others are its content.
fn replaced(folder: &Path, files: &[&str], bytes: &[u8], read: impl FnOnce()) {
    let Some((which, bytes)) = bytes.split_first() else { return };
    let file = folder.join(files[usize::from(*which) % files.len()]);
    let before = fs::read(&file).ok();
    fs::write(&file, bytes).expect("the temporary folder can be written");
    read();
    match before {
        Some(bytes) => fs::write(&file, bytes).expect("the temporary folder can be written"),
        None => fs::remove_file(&file).expect("the temporary folder can be written"),
    }
}
