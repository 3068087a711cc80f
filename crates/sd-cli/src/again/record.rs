//! The job of the library's own record.

use sd_engine::{Kind, Library, Record, Used};
use sd_image::Image;
use serde_json::Value;

use super::Again;
use crate::failure::Failure;

/// What stands for an image that is not in the record.
const MARK: &str = "sha256:";

/// Reads the job of a record, as far as its files and images can be had.
pub fn job(text: &str, library: &Library, given: &[Image]) -> Result<Again, Failure> {
    let mut record = Record::from_json(text)?;
    let mut lost = Vec::new();
    for image in given {
        record.give(image);
    }
    if !record.missing().is_empty() {
        record = without_images(&record, &mut lost)?;
    }
    let mut job = record.job()?;
    let model = record.files.first();
    if let (Some(name), Some(file)) = (&job.model, model)
        && let Some(name) = model_of(name, file, library, &mut lost)?
    {
        job.model = name;
    }
    Ok(Again { job, lost })
}

/// The name that the library has for the model, if it is another: by its hash first.
fn model_of(
    name: &str,
    file: &Used,
    library: &Library,
    lost: &mut Vec<String>,
) -> Result<Option<Option<String>>, Failure> {
    if let Ok(entry) = library.find(Kind::Model, name) {
        if library.hash(&entry)? == file.sha256 {
            return Ok(None);
        }
        // Another file may have the name.
        if let Ok(entry) = library.find(Kind::Model, &file.sha256) {
            return Ok(Some(Some(entry.name)));
        }
        lost.push(format!("the model {name} is another file than the one that drew the image"));
        return Ok(None);
    }
    if let Ok(entry) = library.find(Kind::Model, &file.sha256) {
        return Ok(Some(Some(entry.name)));
    }
    lost.push(format!("the model {name} is not there; the default is taken"));
    Ok(Some(None))
}

/// The record without the parts of its job that need images, which it does not have.
fn without_images(record: &Record, lost: &mut Vec<String>) -> Result<Record, Failure> {
    let json = |error: serde_json::Error| Failure::new(format!("the record of the image: {error}"));
    let mut value = serde_json::to_value(record).map_err(json)?;
    if let Some(request) = value.pointer_mut("/job/request").and_then(Value::as_object_mut) {
        let needs: Vec<String> =
            request.iter().filter(|(_, part)| needs_image(part)).map(|(name, _)| name.clone()).collect();
        for name in &needs {
            request.remove(name);
        }
        // What is left of a change has no meaning without the image.
        if needs.iter().any(|name| name == "init") {
            ["strength", "inpaint", "outpaint"].iter().for_each(|name| drop(request.remove(*name)));
        }
        let parts = needs.iter().map(|name| format!("`{}`", field(name))).collect::<Vec<_>>().join(", ");
        lost.push(format!("it was made from images that are not in it: {parts} is left out"));
    }
    serde_json::from_value(value).map_err(json)
}

/// The name that messages have for a part of a request.
fn field(part: &str) -> &str {
    match part {
        "init" => "init_image",
        "inpaint" => "mask",
        "controls" => "control",
        "image_prompts" => "image_prompt",
        part => part,
    }
}

fn needs_image(part: &Value) -> bool {
    match part {
        Value::String(text) => text.starts_with(MARK),
        Value::Array(list) => list.iter().any(needs_image),
        Value::Object(map) => map.values().any(needs_image),
        _ => false,
    }
}
