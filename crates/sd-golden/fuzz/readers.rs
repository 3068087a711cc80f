//! What files may hold that come from strangers: one function a kind of file. None of them may panic, hang or fill the
//! memory, whatever the bytes are. The fuzz targets and `tests/fuzz.rs` call them.

#![allow(dead_code, reason = "each fuzz target uses one of them")]

use std::fs;
use std::path::Path;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use burn::tensor::Device;
use sd_clip::Tokenizer;
use sd_golden::{Kind, TinyModel, zip};
use sd_pipeline::{Choices, DType, DeviceInfo, Model, Pipeline, Plan, Request, device_info};
use sd_weights::{Lora, TextualInversion, Weights};
use serde_json::Value;
use tempfile::tempdir;

static PROCESSOR: LazyLock<DeviceInfo> = LazyLock::new(|| device_info("flex").expect("the processor"));

/// A safetensors file: the number of bytes behind the header, of two bytes, and the header.
pub fn header(bytes: &[u8]) {
    let Some((count, header)) = bytes.split_first_chunk() else { return };
    let length = (header.len() as u64).to_le_bytes();
    file(&[&length, header, &vec![0; u16::from_le_bytes(*count).into()]].concat());
}

/// A file of weights of any format, as all that it can be given as.
pub fn file(bytes: &[u8]) {
    let folder = tempdir().expect("a temporary folder");
    let path = folder.path().join("weights");
    fs::write(&path, bytes).expect("the temporary folder can be written");
    if let Ok(weights) = Weights::in_file(&path) {
        read(&weights);
        // What each of these makes of weights that it is not meant for.
        let _ = Model::open(&path);
        let _ = Model::open_with(tiny().path(), &Choices { vae: Some(path.clone()), ..Choices::default() });
        let _ = TextualInversion::open(&path);
        if let Ok(lora) = Lora::open(&path, 1.0) {
            let _ = Model::open(tiny().path()).expect("it is whole").merge(lora);
        }
    }
}

/// The pickle in a PyTorch file, beside a storage of 16 bytes.
pub fn pickle(bytes: &[u8]) {
    file(&zip(&[("x/data.pkl", bytes), ("x/byteorder", b"little"), ("x/data/0", &[0; 16])]));
}

/// The index of several files, of which one, `w.safetensors`, is there.
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

/// A config of a model folder that is whole otherwise. The first byte says which; with its highest bit, the second one
/// says which of its values the rest takes the place of.
pub fn config(bytes: &[u8]) {
    const FILES: [&str; 8] = [
        "model_index.json",
        "scheduler/scheduler_config.json",
        "text_encoder/config.json",
        "unet/config.json",
        "vae/config.json",
        // These are of a model that draws in pixels.
        "model_index.json",
        "scheduler/scheduler_config.json",
        "unet/config.json",
    ];
    let &[which, ref rest @ ..] = bytes else { return };
    let number = usize::from(which) % FILES.len();
    let model = if number < 5 { tiny() } else { in_pixels() };
    let changed = |value: &u8, text: &[u8]| {
        let file = model.path().join(FILES[number]);
        let mut map: serde_json::Map<String, Value> =
            serde_json::from_slice(&fs::read(file).expect("it is whole")).expect("it is an object");
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
        let request = if number < 5 { Request::new("a cat") } else { Request::default() };
        let _ = model.summary();
        if let Ok(plan) = Plan::new(&model, &request) {
            let _ = (plan.parameters(), plan.to_string(), model.memory(&plan.workload(), DType::F32, &PROCESSOR));
            let _ = Pipeline::load(model, &Device::flex(), DType::F32);
        }
    });
}

/// A file of a tokenizer that is whole otherwise; the first byte says which.
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

/// Reads all numbers, which are no more than the file has.
fn read(weights: &Weights) {
    for key in weights.keys() {
        let _ = weights.read(key);
    }
}

/// A small whole model, which is written once; one caller has it at a time.
fn tiny() -> MutexGuard<'static, TinyModel> {
    static MODEL: LazyLock<Mutex<TinyModel>> = LazyLock::new(|| Mutex::new(TinyModel::new(Kind::Sd1)));
    MODEL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The same, of one that draws in pixels.
fn in_pixels() -> MutexGuard<'static, TinyModel> {
    static MODEL: LazyLock<Mutex<TinyModel>> = LazyLock::new(|| Mutex::new(TinyModel::ddpm()));
    MODEL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `read` while one of `files` holds the bytes behind the first one, which says which.
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
