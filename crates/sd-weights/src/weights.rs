use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use safetensors::Dtype;
use sd_ops::MappedWeights;

use crate::name_table::Table;
use crate::patch::Patch;
use crate::stored_type::StoredType;
use crate::tensor_view::TensorView;
use crate::{View, WeightsError};

/// The tensors of one network: their names, shapes and types, and where their values lie in one file or several.
///
/// Opening reads the files' headers and no values.
#[derive(Debug, Clone)]
pub struct Weights {
    /// The file, or the folder of several, for messages.
    pub(crate) origin: PathBuf,
    pub(crate) tensors: BTreeMap<String, TensorView>,
    pub(crate) metadata: BTreeMap<String, String>,
    /// Changes to add to some tensors when they are loaded.
    pub(crate) patches: BTreeMap<String, Vec<Arc<dyn Patch>>>,
    /// The names in the file, where they differ from the names here, for messages.
    pub(crate) naming: Option<Naming>,
    /// Where weights stay that can be used in their files; none are then read into memory.
    pub(crate) mapped: Option<MappedWeights>,
    /// Whether weights of linear layers in `q8_0` become panels.
    pub(crate) has_panels: bool,
}

/// The names that a single file gives the tensors of one network.
#[derive(Debug, Clone)]
pub(crate) struct Naming {
    pub prefix: String,
    /// The names after the prefix.
    pub table: Arc<Table>,
}

impl Weights {
    pub(crate) fn new(
        origin: PathBuf,
        tensors: BTreeMap<String, TensorView>,
        metadata: BTreeMap<String, String>,
    ) -> Self {
        Self { origin, tensors, metadata, patches: BTreeMap::new(), naming: None, mapped: None, has_panels: false }
    }

    /// Returns the file, or the folder of several.
    pub fn origin(&self) -> &Path {
        &self.origin
    }

    /// Returns the names of the tensors in alphabetical order.
    pub fn keys(&self) -> impl Iterator<Item = &str> + Clone {
        self.tensors.keys().map(String::as_str)
    }

    /// Returns the shape of a tensor, if there is one of this name.
    pub fn shape(&self, key: &str) -> Option<&[usize]> {
        self.tensors.get(key).map(|tensor| &tensor.shape[..])
    }

    /// Returns the type of a tensor's values in the file, if there is one of this name that is not in blocks.
    pub fn dtype(&self, key: &str) -> Option<Dtype> {
        match self.stored_type(key)? {
            StoredType::Plain(dtype) => Some(dtype),
            StoredType::Blocks(_) => None,
        }
    }

    /// Returns how the file stores a tensor, if there is one of this name.
    pub fn stored_type(&self, key: &str) -> Option<StoredType> {
        self.tensors.get(key).map(|tensor| tensor.dtype)
    }

    /// Returns the file's metadata: the `__metadata__` of safetensors, or the numbers and texts beside the weights of a
    /// PyTorch file, such as `global_step`.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// Returns the number of values of all tensors.
    pub fn elements(&self) -> usize {
        self.tensors.values().map(TensorView::elements).sum()
    }

    /// Returns the bytes of all tensors in memory, at `width` bytes a value; those that are in quantized blocks keep these if
    /// `keeps_blocks`, unless a LoRA changes them.
    pub fn loaded_bytes(&self, width: usize, keeps_blocks: bool) -> usize {
        let bytes = |(key, tensor): (&String, &TensorView)| match self.stays_in_blocks(key, keeps_blocks) {
            true => tensor.dtype.bytes(tensor.elements()).unwrap_or(0),
            false => tensor.elements() * width,
        };
        self.tensors.iter().map(bytes).sum()
    }

    /// Whether a tensor stays in its blocks when it is loaded.
    pub(crate) fn stays_in_blocks(&self, key: &str, keeps_blocks: bool) -> bool {
        keeps_blocks && self.tensors[key].block_kind().is_some() && !self.patches.contains_key(key)
    }

    /// Returns the number of values of the largest tensor.
    pub fn largest(&self) -> usize {
        self.tensors.values().map(TensorView::elements).max().unwrap_or(0)
    }

    /// Renames tensors and leaves out others: `names` returns the new names of each, with the view that each name is of.
    ///
    /// # Errors
    ///
    /// [`WeightsError::Mismatch`] for a part of a tensor whose rows do not divide into as many.
    pub fn select(&self, names: impl Fn(&str) -> Vec<(String, View)>) -> Result<Self, WeightsError> {
        let mut tensors = BTreeMap::new();
        for (key, tensor) in &self.tensors {
            for (name, view) in names(key) {
                let (index, parts) = view.part();
                let mut selected = match view {
                    View::Whole => tensor.clone(),
                    View::Transposed => tensor.clone().transposed(),
                    View::Half(_) | View::Third(_) => {
                        tensor.part(index, parts).ok_or_else(|| WeightsError::Mismatch {
                            file: self.origin.clone(),
                            problems: format!("`{key}` {:?} does not divide into {parts} equal parts", tensor.shape),
                        })?
                    }
                };
                if name != *key {
                    selected.name.get_or_insert_with(|| key.as_str().into());
                }
                tensors.insert(name, selected);
            }
        }
        Ok(Self::new(self.origin.clone(), tensors, self.metadata.clone()))
    }

    /// Returns the name of the tensor `key` in the file; of one that the file lacks, the name that it would have.
    pub(crate) fn name_in_file(&self, key: &str) -> String {
        let found = self.tensors.get(key).map(|tensor| tensor.name.as_deref().unwrap_or(key).to_string());
        let expected = || {
            let Naming { prefix, table } = self.naming.as_ref()?;
            table.to_single(key).map(|(name, _)| format!("{prefix}{name}"))
        };
        found.or_else(expected).unwrap_or_else(|| key.to_string())
    }

    /// Adds a change to apply when `key` is loaded.
    pub(crate) fn patch(&mut self, key: String, patch: Arc<dyn Patch>) {
        let patches = self.patches.entry(key).or_default();
        patches.push(patch);
        patches.sort_by(|a, b| a.rank().cmp(&b.rank()));
    }

    /// Whether a [LoRA](crate::Lora) changes any tensor when it is loaded.
    pub fn is_changed(&self) -> bool {
        !self.patches.is_empty()
    }

    /// Takes back all changes of LoRAs.
    pub fn without_changes(&self) -> Self {
        Self { patches: BTreeMap::new(), ..self.clone() }
    }

    /// Reads one tensor, in single precision and row by row.
    ///
    /// # Errors
    ///
    /// [`WeightsError::WrongType`] for a type that is not supported, and [`WeightsError::Io`].
    ///
    /// # Panics
    ///
    /// Panics if there is no such key.
    pub fn read(&self, key: &str) -> Result<Vec<f32>, WeightsError> {
        self.tensors[key].single(key)
    }

    /// Returns the file that holds `key`.
    pub(crate) fn file_of(&self, key: &str) -> PathBuf {
        self.tensors[key].file.to_path_buf()
    }
}
