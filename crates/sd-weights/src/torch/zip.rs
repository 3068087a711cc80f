use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use rawzip::{CompressionMethod, RECOMMENDED_BUFFER_SIZE, ZipArchive};

use super::fault::{Fault, malformed};
use super::state_dict::{Bytes, weights};
use super::unpickler::Pickle;
use crate::{Weights, WeightsError};

/// Opens a file that `torch.save` writes since PyTorch 1.6: a zip archive of `NAME/data.pkl` and a file per storage,
/// `NAME/data/KEY`, none of them compressed.
pub fn open(path: &Path, file: File, length: u64) -> Result<Weights, WeightsError> {
    read(path, file, length).map_err(|fault| fault.into_error(path))
}

fn read(path: &Path, file: File, length: u64) -> Result<Weights, Fault> {
    let (entries, mut file) = entries(file, length)?;
    let mut names = entries.keys().filter_map(|name| name.strip_suffix("data.pkl"));
    let Some(root) = names.find(|root| root.is_empty() || root.ends_with('/')) else {
        return malformed("it is a zip archive without a data.pkl: if the model was packed, unpack it first");
    };
    if entries.contains_key(&format!("{root}constants.pkl")) {
        return malformed("it is a TorchScript program, which is not supported: get the model as safetensors");
    }
    if let Some(order) = entries.get(&format!("{root}byteorder")) {
        let mut text = Vec::new();
        file.seek(SeekFrom::Start(order.offset))?;
        file.by_ref().take(order.length.min(16)).read_to_end(&mut text)?;
        if text != b"little" {
            let text = String::from_utf8_lossy(&text);
            return malformed(format!("its values are in the byte order {text:?}, only \"little\" is supported"));
        }
    }
    let described = entries[&format!("{root}data.pkl")];
    file.seek(SeekFrom::Start(described.offset))?;
    let pickle = Pickle::read(&mut BufReader::new(file.take(described.length)))?;
    let data = format!("{root}data/");
    let storages = entries.iter().filter_map(|(name, bytes)| Some((name.strip_prefix(&data)?.to_string(), *bytes)));
    weights(path, &pickle, &storages.collect())
}

/// Lists the files in the archive with the positions of their bytes.
fn entries(file: File, length: u64) -> Result<(BTreeMap<String, Bytes>, File), Fault> {
    let fault = |error: rawzip::Error| {
        Fault::Malformed(format!("its zip archive is damaged or ends early ({error}); download it again"))
    };
    let mut buffer = vec![0; RECOMMENDED_BUFFER_SIZE];
    let archive = ZipArchive::from_file(file, &mut buffer).map_err(fault)?;
    let mut entries = BTreeMap::new();
    let mut listed = archive.entries(&mut buffer);
    // The archive's end says how many entries there are.
    for _ in 0..archive.entries_hint() {
        let Some(header) = listed.next_entry().map_err(fault)? else { break };
        let name = String::from_utf8_lossy(header.file_path().as_bytes()).into_owned();
        // Encryption adds bytes of its own.
        let is_plain = header.compressed_size_hint() == header.uncompressed_size_hint();
        if header.compression_method() != CompressionMethod::Store || !is_plain {
            return malformed(format!(
                "`{name}` in its zip archive is compressed or encrypted, which PyTorch never does"
            ));
        }
        let (offset, end) = archive.get_entry(header.wayfinder()).map_err(fault)?.compressed_data_range();
        if end > length {
            return malformed(format!("`{name}` in its zip archive ends after the file does; download it again"));
        }
        entries.insert(name, Bytes { offset, length: end - offset });
    }
    Ok((entries, archive.into_inner().into_inner()))
}
