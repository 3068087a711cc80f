use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use bytemuck::Pod;
use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use safetensors::Dtype;
use safetensors::tensor::Metadata;

use crate::WeightsError;
use crate::lora::Patch;

/// The tensors of one network, in one safetensors file or in several: what is there, and where.
///
/// Opening reads the headers only.
#[derive(Debug)]
pub struct Weights {
    /// The file, or the folder of several: for messages.
    pub(crate) origin: PathBuf,
    pub(crate) tensors: BTreeMap<String, Place>,
    /// What is added to some of them when they are loaded.
    pub(crate) patches: BTreeMap<String, Vec<Patch>>,
}

/// Where a tensor lies.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    file: PathBuf,
    offset: u64,
    dtype: Dtype,
    pub shape: Vec<usize>,
}

impl Weights {
    /// Finds the weights called `stem` in a folder of the diffusers layout.
    ///
    /// They may be one file or several with an index, in full precision or, with `fp16` in their name, in half. Full
    /// precision wins where both are there.
    ///
    /// # Errors
    ///
    /// [`WeightsError`] where there are none, or where a header is damaged.
    pub fn in_folder(folder: &Path, stem: &str) -> Result<Self, WeightsError> {
        let names = [
            format!("{stem}.safetensors"),
            format!("{stem}.safetensors.index.json"),
            format!("{stem}.fp16.safetensors"),
            format!("{stem}.safetensors.index.fp16.json"),
            format!("{stem}.fp16.safetensors.index.json"),
        ];
        match names.iter().map(|name| folder.join(name)).find(|path| path.is_file()) {
            Some(path) if path.extension().is_some_and(|e| e == "json") => Self::in_shards(folder, &path),
            Some(path) => Self::in_file(&path),
            None => {
                let pickle = ["bin", "ckpt"].iter().map(|e| format!("{stem}.{e}")).find(|n| folder.join(n).is_file());
                let hint =
                    pickle.map(|name| format!("; {name} is a pickle, which is not read: convert it to safetensors"));
                Err(WeightsError::NotFound {
                    folder: folder.to_path_buf(),
                    looked_for: format!("{} (also .fp16 and sharded)", names[0]),
                    hint: hint.unwrap_or_default(),
                })
            }
        }
    }

    /// Opens one safetensors file.
    ///
    /// # Errors
    ///
    /// [`WeightsError`] where it cannot be read or its header is damaged.
    pub fn in_file(path: &Path) -> Result<Self, WeightsError> {
        let io = |source| WeightsError::Io { file: path.to_path_buf(), source };
        let format = |reason: String| WeightsError::Format { file: path.to_path_buf(), format: "safetensors", reason };
        let mut file = File::open(path).map_err(io)?;
        let found = file.metadata().map_err(io)?.len();
        let mut length = [0; 8];
        let truncated = |expected| WeightsError::Truncated { file: path.to_path_buf(), expected, found };
        file.read_exact(&mut length).map_err(|_| truncated(8))?;
        let start = u64::from_le_bytes(length).saturating_add(8);
        // The limit of the format's own reader, so that a damaged length does not ask for all memory.
        if start > 100_000_000 {
            return Err(format(format!("a header of {start} bytes")));
        }
        let mut header = vec![0; (start - 8) as usize];
        file.read_exact(&mut header).map_err(|_| truncated(start))?;
        let metadata: Metadata = serde_json::from_slice(&header).map_err(|e| format(e.to_string()))?;
        let mut tensors = BTreeMap::new();
        let mut end = start;
        for (key, info) in metadata.tensors() {
            let offset = start + info.data_offsets.0 as u64;
            end = end.max(start + info.data_offsets.1 as u64);
            tensors
                .insert(key, Place { file: path.to_path_buf(), offset, dtype: info.dtype, shape: info.shape.clone() });
        }
        if end > found {
            return Err(truncated(end));
        }
        Ok(Self { origin: path.to_path_buf(), tensors, patches: BTreeMap::new() })
    }

    /// Opens the files that an index names.
    fn in_shards(folder: &Path, index: &Path) -> Result<Self, WeightsError> {
        let format =
            |reason: String| WeightsError::Format { file: index.to_path_buf(), format: "weights index", reason };
        let text = std::fs::read(index).map_err(|source| WeightsError::Io { file: index.to_path_buf(), source })?;
        let json: serde_json::Value = serde_json::from_slice(&text).map_err(|e| format(e.to_string()))?;
        let map = json["weight_map"].as_object().ok_or_else(|| format("it has no `weight_map`".into()))?;
        let mut shards: BTreeMap<&str, Self> = BTreeMap::new();
        let mut tensors = BTreeMap::new();
        for (key, name) in map {
            let name = name.as_str().ok_or_else(|| format(format!("`{key}` does not name a file")))?;
            if !shards.contains_key(name) {
                shards.insert(name, Self::in_file(&folder.join(name))?);
            }
            let place = shards[name].tensors.get(key).ok_or_else(|| format(format!("`{key}` is not in {name}")))?;
            tensors.insert(key.clone(), place.clone());
        }
        Ok(Self { origin: folder.to_path_buf(), tensors, patches: BTreeMap::new() })
    }

    /// How many numbers there are in all.
    pub fn elements(&self) -> usize {
        self.tensors.values().map(|place| place.shape.iter().product::<usize>()).sum()
    }

    /// Has `key` changed when it is loaded.
    pub(crate) fn patch(&mut self, key: String, patch: Patch) {
        let patches = self.patches.entry(key).or_default();
        patches.push(patch);
        patches.sort_by(|a, b| a.rank().cmp(&b.rank()));
    }

    /// Reads one tensor, in single precision.
    pub(crate) fn read(&self, key: &str) -> Result<Vec<f32>, WeightsError> {
        let place = &self.tensors[key];
        let mut numbers = vec![0.0; place.shape.iter().product()];
        let mut read = || {
            let mut file = File::open(&place.file)?;
            file.seek(SeekFrom::Start(place.offset))?;
            match place.dtype {
                // Checkpoints are little-endian, as are all machines this runs on.
                Dtype::F32 => file.read_exact(bytemuck::cast_slice_mut(&mut numbers)).map(|()| true),
                Dtype::F16 => read_halves::<f16>(&mut file, &mut numbers).map(|()| true),
                Dtype::BF16 => read_halves::<bf16>(&mut file, &mut numbers).map(|()| true),
                _ => Ok(false),
            }
        };
        let file = place.file.clone();
        match read() {
            Ok(true) => Ok(numbers),
            Ok(false) => {
                let found = format!("{:?}", place.dtype).to_lowercase();
                Err(WeightsError::WrongType { file, key: key.to_string(), found })
            }
            Err(source) => Err(WeightsError::Io { file, source }),
        }
    }

    /// The file that holds `key`.
    pub(crate) fn file_of(&self, key: &str) -> PathBuf {
        self.tensors[key].file.clone()
    }
}

/// Reads and widens numbers of half precision, block by block, so that only the result takes memory.
fn read_halves<H: Pod>(file: &mut File, numbers: &mut [f32]) -> std::io::Result<()>
where
    [H]: HalfFloatSliceExt,
{
    let mut block = [H::zeroed(); 1 << 14];
    for numbers in numbers.chunks_mut(block.len()) {
        let block = &mut block[..numbers.len()];
        file.read_exact(bytemuck::cast_slice_mut(block))?;
        block.convert_to_f32_slice(numbers);
    }
    Ok(())
}
