use std::collections::BTreeMap;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;

use burn::tensor::FloatDType;
use safetensors::Dtype;
use serde_json::{Map, Value, json};

use crate::load::name_of;
use crate::place::Place;
use crate::{Weights, WeightsError, write_atomically};

/// A safetensors file that is yet to be written: its tensors, and where the numbers of each lie.
///
/// It is written tensor by tensor, so that one at a time is in memory.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// The parts of each tensor by their order: they follow each other along its first dimension.
    tensors: BTreeMap<String, BTreeMap<usize, Place>>,
    metadata: BTreeMap<String, String>,
}

/// A tensor as it will be in the file.
struct Tensor<'a> {
    key: &'a str,
    dtype: FloatDType,
    shape: Vec<usize>,
    parts: &'a BTreeMap<usize, Place>,
}

impl Draft {
    /// A file of these weights, under the names they have.
    pub fn of(weights: &Weights) -> Self {
        let mut draft = Self::default();
        weights.tensors.iter().for_each(|(key, place)| draft.put(key.clone(), 0, place.clone()));
        // Without it, transformers reads no safetensors.
        draft.say("format", "pt");
        draft
    }

    /// Says something in the file's metadata.
    pub(crate) fn say(&mut self, key: &str, value: &str) {
        self.metadata.insert(key.to_string(), value.to_string());
    }

    /// Adds a tensor, or the part of one that comes at `index`.
    pub(crate) fn put(&mut self, key: String, index: usize, place: Place) {
        self.tensors.entry(key).or_default().insert(index, place);
    }

    /// Adds a tensor without numbers, which says something by being there.
    pub(crate) fn mark(&mut self, key: &str) {
        self.tensors.entry(key.to_string()).or_default();
    }

    /// How many bytes the numbers take, cast to `dtype` if there is one.
    pub fn bytes(&self, dtype: Option<FloatDType>) -> u64 {
        self.tensors(dtype).iter().map(|tensor| tensor.bytes() as u64).sum()
    }

    /// Writes the file, cast to f32, f16 or bf16, or each tensor as it is where `dtype` is none; f64 and integers become
    /// f32, and f8 becomes f16, or f32 where it has a scale.
    ///
    /// `watch` is told how many bytes of numbers were written since it was last asked, and says whether to go on.
    ///
    /// # Errors
    ///
    /// [`WeightsError::NotFinite`] for a weight that its precision is too narrow for, [`WeightsError::Stopped`] where
    /// `watch` said so, and what reading and writing fail with; nothing is left half-written.
    pub fn write(
        &self,
        path: &Path,
        dtype: Option<FloatDType>,
        watch: &mut dyn FnMut(u64) -> ControlFlow<()>,
    ) -> Result<(), WeightsError> {
        let tensors = self.tensors(dtype);
        let header = self.header(&tensors);
        let mut failed = None;
        let written = write_atomically(path, |file| {
            file.write_all(&(header.len() as u64).to_le_bytes())?;
            file.write_all(header.as_bytes())?;
            for (tensor, place) in tensors.iter().flat_map(|tensor| tensor.parts.values().map(move |p| (tensor, p))) {
                // What fails here is told as it is, and not as a failure to write.
                let mut fail = |error| {
                    failed = Some(error);
                    io::Error::other("told by itself")
                };
                let data = place.data(tensor.key, tensor.dtype, &place.shape).map_err(&mut fail)?;
                let data = data.as_bytes();
                file.write_all(data)?;
                if watch(data.len() as u64).is_break() {
                    return Err(fail(WeightsError::Stopped { file: path.to_path_buf() }));
                }
            }
            Ok(())
        });
        match (failed, written) {
            (Some(error), _) => Err(error),
            (None, Err(source)) => Err(WeightsError::Io { file: path.to_path_buf(), source }),
            (None, Ok(())) => Ok(()),
        }
    }

    /// The tensors, the widest numbers first, so that each starts at a multiple of its width.
    fn tensors(&self, dtype: Option<FloatDType>) -> Vec<Tensor<'_>> {
        let tensor =
            |(key, parts)| Tensor { key, dtype: dtype.unwrap_or_else(|| own(parts)), shape: shape(parts), parts };
        let mut tensors: Vec<_> = self.tensors.iter().map(|(key, parts)| tensor((key.as_str(), parts))).collect();
        tensors.sort_by_key(|tensor| std::cmp::Reverse(width(tensor.dtype)));
        tensors
    }

    fn header(&self, tensors: &[Tensor<'_>]) -> String {
        let mut header = Map::new();
        if !self.metadata.is_empty() {
            header.insert("__metadata__".into(), json!(self.metadata));
        }
        let mut end = 0;
        for tensor in tensors {
            let (start, dtype) = (end, name_of(tensor.dtype).to_uppercase());
            end += tensor.bytes();
            let info = json!({ "dtype": dtype, "shape": tensor.shape, "data_offsets": [start, end] });
            header.insert(tensor.key.to_string(), info);
        }
        let mut header = Value::Object(header).to_string();
        header.extend(std::iter::repeat_n(' ', header.len().next_multiple_of(8) - header.len()));
        header
    }
}

impl Tensor<'_> {
    fn bytes(&self) -> usize {
        self.shape.iter().product::<usize>() * width(self.dtype)
    }
}

/// The narrowest precision that holds all parts as they are: of f8, which is not written, that is f16.
fn own(parts: &BTreeMap<usize, Place>) -> FloatDType {
    let all = |dtypes: &[Dtype]| {
        let holds = |place: &Place| dtypes.contains(&place.dtype) && place.scale.is_none();
        !parts.is_empty() && parts.values().all(holds)
    };
    match () {
        () if all(&[Dtype::F16, Dtype::F8_E4M3, Dtype::F8_E5M2]) => FloatDType::F16,
        () if all(&[Dtype::BF16]) => FloatDType::BF16,
        () => FloatDType::F32,
    }
}

/// The shape of all parts; `[0]` where there are none.
fn shape(parts: &BTreeMap<usize, Place>) -> Vec<usize> {
    let mut shape = parts.values().next().map_or(vec![0], |place| place.shape.clone());
    if parts.len() > 1 {
        shape[0] = parts.values().map(|place| place.shape[0]).sum();
    }
    shape
}

fn width(dtype: FloatDType) -> usize {
    if matches!(dtype, FloatDType::F16 | FloatDType::BF16) { 2 } else { 4 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(folder: &Path, name: &str, numbers: &[f32]) -> Place {
        let file = folder.join(name);
        std::fs::write(&file, bytemuck::cast_slice(numbers)).unwrap();
        Place::in_rows(file.into(), 0, Dtype::F32, vec![numbers.len()])
    }

    #[test]
    fn parts_follow_each_other_in_their_order_and_marks_have_no_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let mut draft = Draft::default();
        draft.put("packed".into(), 1, place(folder.path(), "b", &[3.0]));
        draft.put("packed".into(), 0, place(folder.path(), "a", &[1.0, 2.0]));
        draft.mark("v_pred");
        let file = folder.path().join("model.safetensors");
        let mut bytes = 0;
        let mut watch = |n| {
            bytes += n;
            ControlFlow::Continue(())
        };
        draft.write(&file, Some(FloatDType::F16), &mut watch).unwrap();
        assert_eq!((bytes, draft.bytes(Some(FloatDType::F16))), (6, 6));
        let weights = Weights::in_file(&file).unwrap();
        assert_eq!(weights.read("packed").unwrap(), [1.0, 2.0, 3.0]);
        assert_eq!((weights.dtype("packed"), weights.shape("v_pred")), (Some(Dtype::F16), Some(&[0][..])));
    }

    #[test]
    fn what_cannot_be_written_is_told_and_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let mut draft = Draft::default();
        draft.put("large".into(), 0, place(folder.path(), "a", &[1e5]));
        let file = folder.path().join("model.safetensors");
        let write = |dtype, flow| draft.write(&file, dtype, &mut |_| flow).unwrap_err();
        let error = write(Some(FloatDType::F16), ControlFlow::Continue(()));
        assert!(matches!(&error, WeightsError::NotFinite { key, dtype: "f16", .. } if key == "large"), "{error}");
        assert!(matches!(write(None, ControlFlow::Break(())), WeightsError::Stopped { .. }));
        std::fs::write(folder.path().join("a"), [0; 3]).unwrap();
        let error = write(None, ControlFlow::Continue(()));
        assert!(matches!(&error, WeightsError::Io { file, .. } if file.ends_with("a")), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        let error =
            draft.write(&folder.path().join("no/folder"), None, &mut |_| ControlFlow::Continue(())).unwrap_err();
        assert!(matches!(&error, WeightsError::Io { file, .. } if file.ends_with("folder")), "{error}");
    }
}
