use std::collections::BTreeMap;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;

use burn::tensor::FloatDType;
use safetensors::Dtype;
use serde_json::{Map, Value, json};

use crate::cast::dtype_name;
use crate::tensor_view::TensorView;
use crate::{Weights, WeightsError, write_atomically};

/// Writes a safetensors file from tensors of other files.
///
/// It copies one tensor at a time, so that only one is in memory.
#[derive(Debug, Clone, Default)]
pub struct SafetensorsWriter {
    /// The parts of each tensor, in their order along its first dimension.
    tensors: BTreeMap<String, BTreeMap<usize, TensorView>>,
    metadata: BTreeMap<String, String>,
}

/// A tensor of the file to write.
struct Tensor<'a> {
    key: &'a str,
    dtype: FloatDType,
    shape: Vec<usize>,
    parts: &'a BTreeMap<usize, TensorView>,
}

impl SafetensorsWriter {
    /// Creates a writer of these weights under their names.
    pub fn new(weights: &Weights) -> Self {
        let mut writer = Self::default();
        weights.tensors.iter().for_each(|(key, tensor)| writer.add_part(key.clone(), 0, tensor.clone()));
        // transformers requires it of a safetensors file.
        writer.add_metadata("format", "pt");
        writer
    }

    /// Adds an entry to the file's metadata.
    pub(crate) fn add_metadata(&mut self, key: &str, value: &str) {
        self.metadata.insert(key.to_string(), value.to_string());
    }

    /// Adds a tensor, or part number `index` of one.
    pub(crate) fn add_part(&mut self, key: String, index: usize, part: TensorView) {
        self.tensors.entry(key).or_default().insert(index, part);
    }

    /// Adds a tensor without values: its presence is the information.
    pub(crate) fn add_marker(&mut self, key: &str) {
        self.tensors.entry(key.to_string()).or_default();
    }

    /// Returns the size of all values in bytes, after the cast to `dtype` if there is one.
    pub fn bytes(&self, dtype: Option<FloatDType>) -> u64 {
        self.tensors(dtype).iter().map(|tensor| tensor.bytes() as u64).sum()
    }

    /// Writes the file, cast to `dtype` (f32, f16 or bf16). Without one, each tensor keeps its type, but f64 and integers
    /// become f32, and f8 becomes f16, or f32 if it has a scale.
    ///
    /// `watch` is called with the number of bytes written since its last call, and returns whether to continue.
    ///
    /// # Errors
    ///
    /// [`WeightsError::NotFinite`] for a weight out of its precision's range, [`WeightsError::Stopped`] if `watch` breaks,
    /// and errors of reading and writing; nothing is left half-written.
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
            for (tensor, part) in tensors.iter().flat_map(|tensor| tensor.parts.values().map(move |p| (tensor, p))) {
                // An error here is returned unchanged, not as an error of writing.
                let mut fail = |error| {
                    failed = Some(error);
                    io::Error::other("returned unchanged")
                };
                let data = part.data(tensor.key, tensor.dtype, &part.shape).map_err(&mut fail)?;
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

    /// Lists the tensors, the widest types first, so that each starts at a multiple of its width.
    fn tensors(&self, dtype: Option<FloatDType>) -> Vec<Tensor<'_>> {
        let tensor =
            |(key, parts)| Tensor { key, dtype: dtype.unwrap_or_else(|| own_dtype(parts)), shape: shape(parts), parts };
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
            let (start, dtype) = (end, dtype_name(tensor.dtype).to_uppercase());
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

/// Returns the narrowest precision that holds all parts exactly; for f8, which is not written, that is f16.
fn own_dtype(parts: &BTreeMap<usize, TensorView>) -> FloatDType {
    let all = |dtypes: &[Dtype]| {
        let holds = |part: &TensorView| dtypes.contains(&part.dtype) && part.scale.is_none();
        !parts.is_empty() && parts.values().all(holds)
    };
    match () {
        () if all(&[Dtype::F16, Dtype::F8_E4M3, Dtype::F8_E5M2]) => FloatDType::F16,
        () if all(&[Dtype::BF16]) => FloatDType::BF16,
        () => FloatDType::F32,
    }
}

/// Returns the shape of all parts together; `[0]` if there are none.
fn shape(parts: &BTreeMap<usize, TensorView>) -> Vec<usize> {
    let mut shape = parts.values().next().map_or(vec![0], |part| part.shape.clone());
    if parts.len() > 1 {
        shape[0] = parts.values().map(|part| part.shape[0]).sum();
    }
    shape
}

/// Returns the size of a value in bytes.
fn width(dtype: FloatDType) -> usize {
    if matches!(dtype, FloatDType::F16 | FloatDType::BF16) { 2 } else { 4 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(folder: &Path, name: &str, values: &[f32]) -> TensorView {
        let file = folder.join(name);
        std::fs::write(&file, bytemuck::cast_slice(values)).unwrap();
        TensorView::in_rows(file.into(), 0, Dtype::F32, vec![values.len()])
    }

    #[test]
    fn parts_follow_each_other_in_their_order_and_markers_have_no_values() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = SafetensorsWriter::default();
        writer.add_part("packed".into(), 1, tensor(folder.path(), "b", &[3.0]));
        writer.add_part("packed".into(), 0, tensor(folder.path(), "a", &[1.0, 2.0]));
        writer.add_marker("v_pred");
        let file = folder.path().join("model.safetensors");
        let mut bytes = 0;
        let mut watch = |n| {
            bytes += n;
            ControlFlow::Continue(())
        };
        writer.write(&file, Some(FloatDType::F16), &mut watch).unwrap();
        assert_eq!((bytes, writer.bytes(Some(FloatDType::F16))), (6, 6));
        let weights = Weights::in_file(&file).unwrap();
        assert_eq!(weights.read("packed").unwrap(), [1.0, 2.0, 3.0]);
        assert_eq!((weights.dtype("packed"), weights.shape("v_pred")), (Some(Dtype::F16), Some(&[0][..])));
    }

    #[test]
    fn a_failed_write_names_its_cause_and_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = SafetensorsWriter::default();
        writer.add_part("large".into(), 0, tensor(folder.path(), "a", &[1e5]));
        let file = folder.path().join("model.safetensors");
        let write = |dtype, flow| writer.write(&file, dtype, &mut |_| flow).unwrap_err();
        let error = write(Some(FloatDType::F16), ControlFlow::Continue(()));
        assert!(matches!(&error, WeightsError::NotFinite { key, dtype: "f16", .. } if key == "large"), "{error}");
        assert!(matches!(write(None, ControlFlow::Break(())), WeightsError::Stopped { .. }));
        std::fs::write(folder.path().join("a"), [0; 3]).unwrap();
        let error = write(None, ControlFlow::Continue(()));
        assert!(matches!(&error, WeightsError::Io { file, .. } if file.ends_with("a")), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        let error =
            writer.write(&folder.path().join("no/folder"), None, &mut |_| ControlFlow::Continue(())).unwrap_err();
        assert!(matches!(&error, WeightsError::Io { file, .. } if file.ends_with("folder")), "{error}");
    }
}
