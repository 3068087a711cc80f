//! What an image says about its making.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use sd_metadata::{Making, Parameters};
use serde_json::{Map, Value, json};

use super::table;
use crate::again::Said;

/// Whether a file begins as an image does.
pub fn is_image(path: &Path) -> bool {
    let mut start = [0; 12];
    let is_read = File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok();
    let is_webp = start.starts_with(b"RIFF") && start.ends_with(b"WEBP");
    is_read && (start.starts_with(b"\x89PNG\r\n\x1A\n") || start.starts_with(b"\xFF\xD8\xFF") || is_webp)
}

pub fn as_json(path: &Path, said: &Said) -> Value {
    let texts: Map<_, _> = said.texts.iter().map(|(keyword, text)| (keyword.to_string(), json!(text))).collect();
    let mut found = json!({
        "file": path.display().to_string(),
        "width": said.image.width,
        "height": said.image.height,
        "source": said.making.as_ref().map(|making| making.source),
        "texts": texts,
    });
    if let Some(Making { parameters: Parameters { prompt, negative_prompt, fields }, record, unclear, .. }) =
        &said.making
    {
        let settings: Map<_, _> = fields.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
        found["prompt"] = json!(prompt);
        found["negative_prompt"] = json!(negative_prompt);
        found["settings"] = settings.into();
        found["unclear"] = json!(unclear);
        found["record"] = record.as_deref().and_then(|record| serde_json::from_str(record).ok()).unwrap_or_default();
    }
    found
}

pub fn as_text(path: &Path, said: &Said) -> String {
    let source = said.making.as_ref().map_or("none".into(), |making| making.source.to_string());
    let mut text = table(&[
        ("image", path.display().to_string()),
        ("size", format!("{}×{}", said.image.width, said.image.height)),
        ("settings of", source),
    ]);
    let Some(Making { parameters, record, unclear, .. }) = &said.making else {
        for (keyword, found) in said.texts.iter() {
            text += &format!("\n{}\n{found}\n", keyword.to_uppercase());
        }
        return text;
    };
    for (title, prompt) in [("PROMPT", &parameters.prompt), ("NEGATIVE PROMPT", &parameters.negative_prompt)] {
        if !prompt.is_empty() {
            text += &format!("\n{title}\n{prompt}\n");
        }
    }
    if !parameters.fields.is_empty() {
        let rows: Vec<_> = parameters.fields.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
        text += &format!("\nSETTINGS\n{}", table(&rows));
    }
    if let Some(record) = record.as_deref().and_then(|record| serde_json::from_str::<Value>(record).ok()) {
        text += &format!("\nDRAWN WITH\n{}", table(&drawn_with(&record)));
    }
    unclear.iter().for_each(|what| text += &format!("\nnote: not in the settings: {what}\n"));
    text
}

/// What a record says of the program, the machine and the files.
fn drawn_with(record: &Value) -> Vec<(&str, String)> {
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_string);
    let own = ["version", "device", "hardware", "dtype", "int8"];
    let mut rows: Vec<_> = own.iter().filter_map(|key| Some((*key, plain(record.get(key)?)))).collect();
    for file in record["files"].as_array().into_iter().flatten() {
        rows.push((
            file["kind"].as_str().unwrap_or("file"),
            format!("{} {}", plain(&file["name"]), plain(&file["sha256"])),
        ));
    }
    rows
}
