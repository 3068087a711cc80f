use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;

use crate::{Weights, WeightsError, safetensors_file, torch};

/// Files that are met where weights are expected: their first bytes, and what to say of them.
const OTHERS: [(&[u8], &str); 6] = [
    (b"version https://git-lfs", "it is a pointer that git-lfs left in place of the file: run `git lfs pull`"),
    (b"<", "it is a web page: the download went wrong, download it again"),
    (b"GGUF", "it is a GGUF file, which is not read: get the model as safetensors"),
    (b"\x89HDF", "it is an HDF5 file, which is not read: get the model as safetensors"),
    (b"\x1f\x8b", "it is compressed with gzip: unpack it first"),
    (b"7z\xbc\xaf", "it is a 7-Zip archive: unpack it first"),
];

/// Opens a file as what its first bytes say that it is; names are not to be trusted.
pub(crate) fn open(path: &Path) -> Result<Weights, WeightsError> {
    let io = |source| WeightsError::Io { file: path.to_path_buf(), source };
    let mut file = File::open(path).map_err(io)?;
    let length = file.metadata().map_err(io)?.len();
    let mut start = Vec::new();
    file.by_ref().take(32).read_to_end(&mut start).map_err(io)?;
    file.rewind().map_err(io)?;
    match &start[..] {
        // In a safetensors file, the header's length is before it, and it starts with a brace.
        [_, _, _, _, _, _, _, _, b'{', ..] => safetensors_file::open(&path.into(), file, length),
        [b'P', b'K', 3, 4, ..] => torch::open_zip(path, file, length),
        [0x80, 0..=5, ..] => torch::open_legacy(path, file, length),
        _ => match OTHERS.iter().find(|(first, _)| start.starts_with(first)) {
            Some((_, what)) => {
                let (file, reason) = (path.to_path_buf(), (*what).to_string());
                Err(WeightsError::Format { file, format: "weights", reason })
            }
            None => safetensors_file::open(&path.into(), file, length),
        },
    }
}
