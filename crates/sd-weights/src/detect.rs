use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;

use crate::{Weights, WeightsError, foreign, gguf, safetensors_file, torch};

/// The number of bytes at the start of a file that identify its format.
const START: u64 = 512;

/// Opens a file in the format that its first bytes identify; names are not reliable.
pub(crate) fn open(path: &Path) -> Result<Weights, WeightsError> {
    let io = |source| WeightsError::Io { file: path.to_path_buf(), source };
    let wrong = |reason: &str| {
        let (file, reason) = (path.to_path_buf(), reason.to_string());
        Err(WeightsError::Format { file, format: "weights", reason })
    };
    if path.is_dir() {
        return wrong("it is a folder: name a file in it");
    }
    let mut file = File::open(path).map_err(io)?;
    let length = file.metadata().map_err(io)?.len();
    let mut start = Vec::new();
    file.by_ref().take(START).read_to_end(&mut start).map_err(io)?;
    file.rewind().map_err(io)?;
    match &start[..] {
        // A safetensors file starts with its header's length and a brace; a text has no such length.
        [_, _, _, _, _, _, _, 0, b'{', ..] => safetensors_file::open(&path.into(), file, length),
        [b'G', b'G', b'U', b'F', ..] => gguf::open(&path.into(), file, length),
        [b'P', b'K', 3, 4, ..] => torch::open_zip(path, file, length),
        [0x80, 0..=5, ..] => torch::open_legacy(path, file, length),
        _ => match foreign::describe(&start) {
            Some(description) => wrong(description),
            None => safetensors_file::open(&path.into(), file, length),
        },
    }
}
