//! The job of the library's own record.

use sd_engine::{Kind, Library, Record, Used};
use sd_image::Image;

use super::Again;
use crate::failure::Failure;

/// Reads the job of a record, as far as its files and images can be had.
pub fn job(text: &str, library: &Library, given: &[Image]) -> Result<Again, Failure> {
    let mut record = Record::from_json(text)?;
    let mut lost = Vec::new();
    for image in given {
        record.give(image);
    }
    let parts = record.leave_out_missing();
    if !parts.is_empty() {
        let parts = parts.iter().map(|name| format!("`{}`", field(name))).collect::<Vec<_>>().join(", ");
        lost.push(format!("it was made from images that are not in it: {parts} is left out"));
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
