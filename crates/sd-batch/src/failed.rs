use std::io::ErrorKind;
use std::path::Path;

use sd_files::write_atomically;
use serde_json::{Value, json};

use crate::{BatchError, Item};

/// An image that could not be drawn, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Failed {
    /// The image.
    pub item: Item,
    /// One line.
    pub reason: String,
}

/// Writes the jobs that failed, each with its `error`: a manifest of what is left to do. Without any, the file is removed.
///
/// # Errors
///
/// Errors of the system.
pub fn write_failed(file: &Path, failed: &[Failed]) -> Result<(), BatchError> {
    let written = if failed.is_empty() {
        match std::fs::remove_file(file) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    } else {
        write_atomically(file, |to| failed.iter().try_for_each(|failed| writeln!(to, "{}", line(failed))))
    };
    written.map_err(|source| BatchError::Io { file: file.into(), source })
}

fn line(Failed { item, reason }: &Failed) -> Value {
    let mut line = json!({ "error": reason });
    if let Some(label) = &item.label {
        line["name"] = label.as_str().into();
    }
    if let Ok(Value::Object(fields)) = serde_json::to_value(&item.job) {
        fields.into_iter().for_each(|(name, value)| line[name] = value);
    }
    line
}
