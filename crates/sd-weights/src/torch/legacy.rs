use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::fault::{Fault, malformed};
use super::state_dict::{Bytes, weights};
use super::unpickler::{Object, Pickle, Storage, Value};
use crate::{Weights, WeightsError};

/// 0x1950a86a20f9469cfc6c, the lowest byte first.
const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/// Opens a file that `torch.save` wrote before PyTorch 1.6: pickles of a magic number, of the format's version, of the
/// system's properties, of the weights and of the list of their storages, and then each storage after its length.
pub fn open(path: &Path, file: File, length: u64) -> Result<Weights, WeightsError> {
    let mut file = BufReader::new(file);
    let described = describe(&mut file).map_err(|fault| fault.into_error(path))?;
    let storages = match locate(&mut file, length, &described) {
        Ok(Ok(storages)) => storages,
        Ok(Err(expected)) => {
            return Err(WeightsError::Truncated { file: path.to_path_buf(), expected, found: length });
        }
        Err(fault) => return Err(fault.into_error(path)),
    };
    weights(path, &described.pickle, &storages).map_err(|fault| fault.into_error(path))
}

/// The weights' pickle, and the keys of the storages that follow.
struct Described {
    pickle: Pickle,
    keys: Vec<String>,
}

fn describe(file: &mut BufReader<File>) -> Result<Described, Fault> {
    let magic = Pickle::read(file)?;
    if magic.object(magic.root) != Some(&Object::Long(MAGIC.to_vec())) {
        return malformed("it is a pickle that torch.save did not write");
    }
    let version = Pickle::read(file)?.root;
    if version != Value::Int(1001) {
        return malformed(format!("its format is of version {version:?}, only 1001 is supported"));
    }
    let system = Pickle::read(file)?;
    if system.get(system.root, "little_endian") == Some(Value::Bool(false)) {
        return malformed(
            "its values are big-endian, which is not supported: save it as little-endian or as safetensors",
        );
    }
    let pickle = Pickle::read(file)?;
    let list = Pickle::read(file)?;
    let keys = list.list(list.root).into_iter().flatten();
    let keys: Option<Vec<String>> = keys.map(|key| list.text(*key).map(str::to_string)).collect();
    match keys {
        Some(keys) => Ok(Described { pickle, keys }),
        None => malformed("its list of storages is not a list of texts"),
    }
}

/// Locates the storages; the inner error is the length that the file should have.
fn locate(
    file: &mut BufReader<File>,
    length: u64,
    described: &Described,
) -> Result<Result<BTreeMap<String, Bytes>, u64>, Fault> {
    let storages = described.pickle.objects.iter().filter_map(|object| match object {
        Object::Storage(storage) => Some((storage.key.as_str(), &**storage)),
        _ => None,
    });
    let described_storages: BTreeMap<&str, &Storage> = storages.collect();
    let mut found = BTreeMap::new();
    let mut at = file.stream_position()?;
    for key in &described.keys {
        let Some(storage) = described_storages.get(key.as_str()) else {
            return malformed(format!("its list of storages has {key:?}, which its pickle does not mention"));
        };
        if at + 8 > length {
            return Ok(Err(at + 8));
        }
        file.seek(SeekFrom::Start(at))?;
        let mut elements = [0; 8];
        file.read_exact(&mut elements)?;
        if u64::from_le_bytes(elements) != storage.elements as u64 {
            return malformed(format!("storage {key:?} does not have the length that its pickle says"));
        }
        let size = storage.dtype.map_or(1, |dtype| dtype.bitsize() / 8) as u64;
        let bytes = u64::from_le_bytes(elements).checked_mul(size);
        let end = bytes.and_then(|bytes| (at + 8).checked_add(bytes)).unwrap_or(u64::MAX);
        if end > length {
            return Ok(Err(end));
        }
        found.insert(key.clone(), Bytes { offset: at + 8, length: end - at - 8 });
        at = end;
    }
    Ok(Ok(found))
}
