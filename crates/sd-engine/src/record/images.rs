//! Images in a job's JSON, and the hashes that stand for them.

use sd_image::{Image, Mask};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::hex;

/// What stands for an image in a record, before the hash of its pixels.
pub const MARK: &str = "sha256:";

/// Lists that are longer as JSON are latents.
const LONGEST: usize = 4096;

/// Replaces images and latents by hashes.
pub fn replace_images(job: &mut Value) {
    visit(job, &mut |text| {
        if text.len() > 64
            && let Ok(image) = serde_json::from_value::<Image>(Value::String(text.clone()))
        {
            *text = format!("{MARK}{}", hash_of_pixels(&image));
        }
    });
    visit_lists(job, &mut |list| {
        let text = list.to_string();
        if text.len() > LONGEST && list.as_array().is_some_and(|list| list.iter().all(Value::is_number)) {
            *list = Value::String(format!("{MARK}{}", hex(&Sha256::digest(text))));
        }
    });
}

pub fn visit(value: &mut Value, each: &mut dyn FnMut(&mut String)) {
    match value {
        Value::String(text) => each(text),
        Value::Array(list) => list.iter_mut().for_each(|value| visit(value, each)),
        Value::Object(map) => map.values_mut().for_each(|value| visit(value, each)),
        _ => {}
    }
}

fn visit_lists(value: &mut Value, each: &mut dyn FnMut(&mut Value)) {
    match value {
        Value::Array(list) => {
            list.iter_mut().for_each(|value| visit_lists(value, each));
            each(value);
        }
        Value::Object(map) => map.values_mut().for_each(|value| visit_lists(value, each)),
        _ => {}
    }
}

/// Whether a value has an image that is not there.
pub fn lacks_image(value: &Value) -> bool {
    match value {
        Value::String(text) => text.starts_with(MARK),
        Value::Array(list) => list.iter().any(lacks_image),
        Value::Object(map) => map.values().any(lacks_image),
        _ => false,
    }
}

/// A mask is hashed as the grey image that its file holds.
pub fn hash_of_mask(mask: &Mask) -> String {
    hash_of_pixels(&mask.to_image())
}

pub fn hash_of_pixels(image: &Image) -> String {
    let size = format!("{}x{} ", image.width, image.height);
    hex(&Sha256::new().chain_update(size).chain_update(&image.rgb).finalize())
}
