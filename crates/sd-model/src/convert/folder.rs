use std::path::Path;

use sd_clip::Tokenizer;
use sd_schedule::Prediction;
use sd_weights::single_file::{Family, SingleFile};
use sd_weights::{Form, is_file, write_atomically};
use serde_json::{Map, Value, json};

use crate::config::Json;
use crate::single_file::{Configs, paddings, prediction};
use crate::text_to_image::TextToImage;
use crate::{Choices, Model, ModelError};

/// A file of a model folder: its relative path and its content.
type File = (String, Vec<u8>);

/// Files of a tokenizer, of which a folder has some.
const TOKENIZER: [&str; 6] = [
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
];

/// Returns all files of the model's folder except its weights.
pub(super) fn files(
    model: &Model,
    parts: &TextToImage,
    from: &Path,
    choices: &Choices,
) -> Result<Vec<File>, ModelError> {
    let linear = model.family() != Some(Family::Sd1);
    let class = parts.vae.json.get("_class_name").cloned().unwrap_or_else(|| "AutoencoderKL".into());
    let vae = ["diffusers".into(), class];
    let mut files = match is_file(from).map_err(ModelError::io(from))? {
        true => from_single_file(from, choices, linear, &vae)?,
        false => from_folder(model, from, choices, linear, &vae)?,
    };
    files.push(config_file("vae/config.json", parts.vae.json.clone().into_map()));
    Ok(files)
}

/// Returns the name of a file of weights: quantized blocks need a GGUF file, and the autoencoder has none.
pub(super) fn weights_name(name: &str, form: Form) -> String {
    match form {
        Form::Blocks { .. } if !name.starts_with("vae/") => name.replace(".safetensors", ".gguf"),
        _ => name.to_string(),
    }
}

/// Writes the files.
pub(super) fn write(folder: &Path, files: &[File]) -> Result<(), ModelError> {
    for (name, bytes) in files {
        let file = folder.join(name);
        create_parent(&file)?;
        write_atomically(&file, |to| to.write_all(bytes)).map_err(|source| ModelError::Io { file, source })?;
    }
    Ok(())
}

/// Creates the folder of a file.
pub(super) fn create_parent(file: &Path) -> Result<(), ModelError> {
    let Some(folder) = file.parent() else { return Ok(()) };
    std::fs::create_dir_all(folder).map_err(|source| ModelError::Io { file: folder.to_path_buf(), source })
}

/// Returns the files for a single file: the configs that it was opened with, the classes of its parts, and CLIP's
/// vocabulary.
fn from_single_file(from: &Path, choices: &Choices, linear: bool, vae: &[Value; 2]) -> Result<Vec<File>, ModelError> {
    let file = SingleFile::open(from, choices.average)?;
    let configs = Configs::infer(&file, from, prediction(&file, choices, from)?.0)?;
    let class = match file.family {
        Family::Sd1 | Family::Sd2 => "StableDiffusionPipeline",
        Family::Xl => "StableDiffusionXLPipeline",
        Family::XlRefiner => "StableDiffusionXLImg2ImgPipeline",
    };
    let scheduler = configs.scheduler.into_map();
    let mut index = json!({
        "_class_name": class,
        "feature_extractor": [null, null],
        "image_encoder": [null, null],
        "scheduler": ["diffusers", scheduler["_class_name"]],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": vae,
    });
    if file.family.is_xl() {
        index["force_zeros_for_empty_prompt"] = (file.family == Family::Xl).into();
    } else {
        index["requires_safety_checker"] = false.into();
        index["safety_checker"] = json!([null, null]);
    }
    if file.family == Family::XlRefiner {
        index["requires_aesthetics_score"] = true.into();
        index["text_encoder"] = json!([null, null]);
        index["tokenizer"] = json!([null, null]);
    }
    let mut files = Vec::new();
    let encoders = file.family.text_encoders().iter().zip(paddings(file.family));
    for ((config, class), (encoder, padding)) in configs.text.into_iter().zip(encoders) {
        let (encoder, tokenizer) = (encoder.to_string(), encoder.replace("text_encoder", "tokenizer"));
        index[&encoder] = json!(["transformers", class]);
        index[&tokenizer] = json!(["transformers", "CLIPTokenizer"]);
        let config = config.with("architectures", json!([class])).with("model_type", "clip_text_model");
        files.push(config_file(&format!("{encoder}/config.json"), config.into_map()));
        let tokenizer_files = Tokenizer::clip_files(*padding).into_iter();
        files.extend(tokenizer_files.map(|(name, text)| (format!("{tokenizer}/{name}"), text.into_bytes())));
    }
    let unet = configs.unet.with("_class_name", "UNet2DConditionModel").with("use_linear_projection", linear);
    files.push(config_file("unet/config.json", unet.into_map()));
    files.push(config_file("scheduler/scheduler_config.json", scheduler));
    files.push(("model_index.json".into(), pretty(&index)));
    Ok(files)
}

/// Returns the files of a folder, without the parts that are not copied.
fn from_folder(
    model: &Model,
    from: &Path,
    choices: &Choices,
    linear: bool,
    vae: &[Value; 2],
) -> Result<Vec<File>, ModelError> {
    let has_file = |name: &str| is_file(&from.join(name)).map_err(ModelError::io(&from.join(name)));
    let read = |name: &str| -> Result<Vec<u8>, ModelError> {
        let file = from.join(name);
        std::fs::read(&file).map_err(|source| ModelError::Io { file, source })
    };
    let mut index = Json::read(&from.join("model_index.json"))?;
    for part in ["feature_extractor", "image_encoder", "safety_checker"] {
        if index.get(part).is_some() {
            index = index.with(part, json!([null, null]));
        }
    }
    if index.get("requires_safety_checker").is_some() {
        index = index.with("requires_safety_checker", false);
    }
    if choices.vae.is_some() {
        index = index.with("vae", json!(vae));
    }
    let mut files = Vec::new();
    for (encoder, tokenizer) in [("text_encoder", "tokenizer"), ("text_encoder_2", "tokenizer_2")] {
        let config = format!("{encoder}/config.json");
        if !has_file(&config)? {
            continue;
        }
        files.push((config.clone(), read(&config)?));
        for name in TOKENIZER.map(|name| format!("{tokenizer}/{name}")) {
            if has_file(&name)? {
                files.push((name.clone(), read(&name)?));
            }
        }
    }
    let unet = Json::read(&from.join("unet/config.json"))?.with("use_linear_projection", linear);
    files.push(config_file("unet/config.json", unet.into_map()));
    let scheduler = "scheduler/scheduler_config.json";
    // A name may tell that a network predicts the image.
    let told = (model.scheduler.prediction() == Prediction::X0).then_some(Prediction::X0);
    match choices.prediction.or(told) {
        None => files.push((scheduler.into(), read(scheduler)?)),
        Some(prediction) => {
            let json = Json::read(&from.join(scheduler))?.with("prediction_type", prediction.name());
            files.push(config_file(scheduler, json.into_map()));
        }
    }
    files.push(config_file("model_index.json", index.into_map()));
    Ok(files)
}

pub(super) fn config_file(name: &str, config: Map<String, Value>) -> File {
    (name.to_string(), pretty(&config.into()))
}

fn pretty(json: &Value) -> Vec<u8> {
    format!("{json:#}\n").into_bytes()
}
