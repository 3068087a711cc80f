use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use crate::{Weights, WeightsError, detect, scaled};

/// The longest index in bytes; that of Stable Diffusion XL would have 0.2 MB.
const LONGEST_INDEX: u64 = 16 << 20;

/// Opens the files that an index names. All have to be beside it.
pub(crate) fn open(folder: &Path, index: &Path) -> Result<Weights, WeightsError> {
    let wrong = |reason: String| WeightsError::Format { file: index.to_path_buf(), format: "weights index", reason };
    let io = |source| WeightsError::Io { file: index.to_path_buf(), source };
    let mut text = Vec::new();
    std::fs::File::open(index).map_err(io)?.take(LONGEST_INDEX).read_to_end(&mut text).map_err(io)?;
    let json: serde_json::Value = serde_json::from_slice(&text).map_err(|e| wrong(e.to_string()))?;
    let map = json["weight_map"].as_object().ok_or_else(|| wrong("it has no `weight_map`".into()))?;
    let mut shards: BTreeMap<&str, Weights> = BTreeMap::new();
    let (mut tensors, mut metadata) = (BTreeMap::new(), BTreeMap::new());
    for (key, name) in map {
        let name = name.as_str().ok_or_else(|| wrong(format!("`{key}` does not name a file")))?;
        if !is_file_name(name) {
            return Err(wrong(format!("`{key}` names {name:?}, which is not a file beside the index")));
        }
        if !shards.contains_key(name) {
            let shard = detect::open(&folder.join(name))?;
            metadata.extend(shard.metadata.clone());
            shards.insert(name, shard);
        }
        let tensor = shards[name].tensors.get(key).ok_or_else(|| wrong(format!("`{key}` is not in {name}")))?;
        tensors.insert(key.clone(), tensor.clone());
    }
    scaled::resolve(Weights::new(folder.to_path_buf(), tensors, metadata))
}

/// Whether this is the name of a file, and not a path to one, on any system.
fn is_file_name(name: &str) -> bool {
    !name.is_empty() && ![".", ".."].contains(&name) && !name.contains(['/', '\\', ':', '\0'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_cannot_name_files_elsewhere() {
        for name in ["../x", "/etc/passwd", "..", "a/../../x", "C:x", "..\\x", ""] {
            let folder = tempfile::tempdir().unwrap();
            let index = folder.path().join("w.safetensors.index.json");
            std::fs::write(&index, serde_json::json!({ "weight_map": { "a": name } }).to_string()).unwrap();
            let error = Weights::in_folder(folder.path(), "w").unwrap_err().to_string();
            assert!(error.contains("not a file beside the index"), "{error}");
        }
    }
}
