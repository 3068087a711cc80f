use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use safetensors::Dtype;

use crate::lora::Patch;
use crate::place::Place;
use crate::single_file::Table;
use crate::source::Source;
use crate::there::first_file;
use crate::{WeightsError, format, safetensors_file, scaled, shards};

/// The tensors of one network, in one file or in several: what is there, and where.
///
/// Opening reads what the files say of their tensors, and no numbers.
#[derive(Debug, Clone)]
pub struct Weights {
    /// The file, or the folder of several: for messages.
    pub(crate) origin: PathBuf,
    pub(crate) tensors: BTreeMap<String, Place>,
    pub(crate) metadata: BTreeMap<String, String>,
    /// What is added to some tensors when they are loaded.
    pub(crate) patches: BTreeMap<String, Vec<Patch>>,
    /// What the file calls its tensors, where that is not what they are called here: for messages.
    pub(crate) naming: Option<Naming>,
}

/// The names of a part of a single file.
#[derive(Debug, Clone)]
pub(crate) struct Naming {
    /// What they begin with.
    pub prefix: String,
    /// How they go on.
    pub table: Arc<Table>,
}

/// What a tensor of [`Weights::select`] is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// All of it, as it is.
    Whole,
    /// The first, second or third third of its rows.
    Third(usize),
    /// All of it, with rows and columns exchanged.
    Transposed,
}

impl Weights {
    pub(crate) fn new(origin: PathBuf, tensors: BTreeMap<String, Place>, metadata: BTreeMap<String, String>) -> Self {
        Self { origin, tensors, metadata, patches: BTreeMap::new(), naming: None }
    }

    /// Finds the weights called `stem` in a folder of the diffusers layout.
    ///
    /// They may be one file or several with an index, in full precision or, with `fp16` in their name, in half. Full
    /// precision wins where both are there, and safetensors over PyTorch's files.
    ///
    /// # Errors
    ///
    /// [`WeightsError`] where there are none, or where a header is damaged.
    pub fn in_folder(folder: &Path, stem: &str) -> Result<Self, WeightsError> {
        // transformers calls the same file by another name when PyTorch wrote it.
        let torch = if stem == "model" { "pytorch_model" } else { stem };
        let names = [(stem, "safetensors"), (torch, "bin")].map(|(stem, kind)| {
            [
                format!("{stem}.{kind}"),
                format!("{stem}.{kind}.index.json"),
                format!("{stem}.fp16.{kind}"),
                format!("{stem}.{kind}.index.fp16.json"),
                format!("{stem}.fp16.{kind}.index.json"),
            ]
        });
        match first_file(names.iter().flatten().map(|name| folder.join(name)))? {
            Some(path) if path.extension().is_some_and(|e| e == "json") => shards::open(folder, &path),
            Some(path) => Self::in_file(&path),
            None => Err(WeightsError::NotFound {
                folder: folder.to_path_buf(),
                looked_for: format!("{} and {} (also .fp16 and sharded)", names[0][0], names[1][0]),
            }),
        }
    }

    /// Opens one file: safetensors, or what `torch.save` wrote, in its present format or in the one before PyTorch 1.6.
    ///
    /// What it is, is decided by its first bytes. Pickles are read by a machine that can build dictionaries and tensors
    /// and call nothing.
    ///
    /// # Errors
    ///
    /// [`WeightsError`] where it cannot be read or is damaged, and for a pickle that asks for more than weights need.
    pub fn in_file(path: &Path) -> Result<Self, WeightsError> {
        scaled::resolve(format::open(path)?)
    }

    /// Opens a safetensors file that is part of the program, and is read where it lies; `name` is what messages call it.
    ///
    /// # Errors
    ///
    /// [`WeightsError`] where it is damaged.
    pub fn built_in(name: &Path, bytes: &'static [u8]) -> Result<Self, WeightsError> {
        safetensors_file::open(&Source::built_in(name, bytes), bytes, bytes.len() as u64)
    }

    /// The file, or the folder of several.
    pub fn origin(&self) -> &Path {
        &self.origin
    }

    /// The names of the tensors, in alphabetical order.
    pub fn keys(&self) -> impl Iterator<Item = &str> + Clone {
        self.tensors.keys().map(String::as_str)
    }

    /// The shape of a tensor, if there is one of this name.
    pub fn shape(&self, key: &str) -> Option<&[usize]> {
        self.tensors.get(key).map(|place| &place.shape[..])
    }

    /// The precision of a tensor in the file, if there is one of this name.
    pub fn dtype(&self, key: &str) -> Option<Dtype> {
        self.tensors.get(key).map(|place| place.dtype)
    }

    /// What the file says of itself: the `__metadata__` of safetensors, or the numbers and texts beside the weights of a
    /// PyTorch file, such as `global_step`.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// How many numbers there are in all.
    pub fn elements(&self) -> usize {
        self.tensors.values().map(Place::elements).sum()
    }

    /// How many numbers the largest tensor has.
    pub fn largest(&self) -> usize {
        self.tensors.values().map(Place::elements).max().unwrap_or(0)
    }

    /// Some of the tensors under other names: `names` says which new ones each has, and of what view of it.
    ///
    /// # Errors
    ///
    /// [`WeightsError::Mismatch`] for a third of a number of rows that is not a multiple of three.
    pub fn select(&self, names: impl Fn(&str) -> Vec<(String, View)>) -> Result<Self, WeightsError> {
        let mut tensors = BTreeMap::new();
        for (key, place) in &self.tensors {
            for (name, view) in names(key) {
                let mut place = match view {
                    View::Whole => place.clone(),
                    View::Transposed => place.clone().transposed(),
                    View::Third(index) => place.part(index, 3).ok_or_else(|| WeightsError::Mismatch {
                        file: self.origin.clone(),
                        problems: format!("`{key}` {:?} does not divide into query, key and value", place.shape),
                    })?,
                };
                if name != *key {
                    place.name.get_or_insert_with(|| key.as_str().into());
                }
                tensors.insert(name, place);
            }
        }
        Ok(Self::new(self.origin.clone(), tensors, self.metadata.clone()))
    }

    /// What the file calls the tensor `key`, or would if it had it.
    pub(crate) fn name_in_file(&self, key: &str) -> String {
        let found = self.tensors.get(key).map(|place| place.name.as_deref().unwrap_or(key).to_string());
        let expected = || {
            let Naming { prefix, table } = self.naming.as_ref()?;
            table.to_single(key).map(|(name, _)| format!("{prefix}{name}"))
        };
        found.or_else(expected).unwrap_or_else(|| key.to_string())
    }

    /// Has `key` changed when it is loaded.
    pub(crate) fn patch(&mut self, key: String, patch: Patch) {
        let patches = self.patches.entry(key).or_default();
        patches.push(patch);
        patches.sort_by(|a, b| a.rank().cmp(&b.rank()));
    }

    /// Reads one tensor, in single precision and row by row.
    ///
    /// # Errors
    ///
    /// [`WeightsError::WrongType`] for a type that is not read, and [`WeightsError::Io`].
    ///
    /// # Panics
    ///
    /// Panics if there is no such key.
    pub fn read(&self, key: &str) -> Result<Vec<f32>, WeightsError> {
        self.tensors[key].single(key)
    }

    /// The file that holds `key`.
    pub(crate) fn file_of(&self, key: &str) -> PathBuf {
        self.tensors[key].file.to_path_buf()
    }
}
