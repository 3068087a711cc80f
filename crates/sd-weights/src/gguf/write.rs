use std::collections::BTreeMap;
use std::path::Path;

use super::{MAGIC, SHAPES, types};
use crate::draft::Draft;
use crate::stored_type::StoredType;

/// The alignment of each tensor, which is the default.
const ALIGNMENT: usize = 32;
/// The length of the rows of a tensor that is written in others than its own: whole blocks of every kind.
const ROW: usize = 256;

/// The number of a type of settings.
const U32: u32 = 4;
const I32: u32 = 5;
const TEXT: u32 = 8;
const ARRAY: u32 = 9;

/// Whether this is the name of a GGUF file.
pub(crate) fn is_name(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gguf"))
}

/// Returns the bytes before the values of a file to write, and the alignment of each tensor.
pub(crate) fn head(
    architecture: Option<&str>,
    metadata: &BTreeMap<String, String>,
    drafts: &[Draft<'_>],
) -> (Vec<u8>, usize) {
    let mut settings = Settings::default();
    if let Some(architecture) = architecture {
        settings.text("general.architecture", architecture);
    }
    if drafts.iter().any(|draft| matches!(draft.stored, StoredType::Blocks(_))) {
        // The version of the layouts of blocks.
        settings.add("general.quantization_version", U32, &2_u32.to_le_bytes());
    }
    // What safetensors files say of themselves is not true of these.
    for (key, value) in metadata.iter().filter(|(key, _)| *key != "format") {
        settings.text(key, value);
    }
    let mut tensors = Vec::new();
    let mut offset = 0;
    for draft in drafts {
        let rows = rows(draft);
        if rows != draft.shape {
            let sizes = draft.shape.iter().flat_map(|size| (*size as i32).to_le_bytes());
            let array = [&I32.to_le_bytes()[..], &(draft.shape.len() as u64).to_le_bytes()].concat();
            settings.add(&format!("{SHAPES}{}", draft.key), ARRAY, &array.into_iter().chain(sizes).collect::<Vec<_>>());
        }
        put_text(&mut tensors, draft.key);
        tensors.extend((rows.len() as u32).to_le_bytes());
        rows.iter().rev().for_each(|size| tensors.extend((*size as u64).to_le_bytes()));
        tensors.extend(types::number(draft.stored).expect("a type that is written").to_le_bytes());
        tensors.extend((offset as u64).to_le_bytes());
        offset += draft.bytes().next_multiple_of(ALIGNMENT);
    }
    let counts = [drafts.len() as u64, settings.count].map(u64::to_le_bytes).concat();
    let mut head = [&MAGIC[..], &3_u32.to_le_bytes(), &counts, &settings.bytes, &tensors].concat();
    head.resize(head.len().next_multiple_of(ALIGNMENT), 0);
    (head, ALIGNMENT)
}

/// Returns a tensor's shape, or one whose rows are whole blocks.
fn rows(draft: &Draft<'_>) -> Vec<usize> {
    let StoredType::Blocks(kind) = draft.stored else { return draft.shape.clone() };
    let count: usize = draft.shape.iter().product();
    match draft.shape.last() {
        Some(row) if row.is_multiple_of(kind.values()) => draft.shape.clone(),
        _ if count.is_multiple_of(ROW) => vec![count / ROW, ROW],
        _ => vec![count / kind.values(), kind.values()],
    }
}

/// Names with values, one behind the other.
#[derive(Default)]
struct Settings {
    bytes: Vec<u8>,
    count: u64,
}

impl Settings {
    fn add(&mut self, key: &str, kind: u32, value: &[u8]) {
        put_text(&mut self.bytes, key);
        self.bytes.extend(kind.to_le_bytes());
        self.bytes.extend(value);
        self.count += 1;
    }

    fn text(&mut self, key: &str, value: &str) {
        let mut bytes = Vec::new();
        put_text(&mut bytes, value);
        self.add(key, TEXT, &bytes);
    }
}

fn put_text(to: &mut Vec<u8>, text: &str) {
    to.extend((text.len() as u64).to_le_bytes());
    to.extend(text.as_bytes());
}
