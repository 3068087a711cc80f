use std::collections::BTreeMap;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;

use crate::draft::Draft;
use crate::form::{Form, encoded};
use crate::tensor_view::TensorView;
use crate::{Weights, WeightsError, gguf, safetensors_file, write_atomically};

/// Writes a safetensors or a GGUF file from tensors of other files.
///
/// It copies one tensor at a time, so that only one is in memory.
#[derive(Debug, Clone, Default)]
pub struct WeightsWriter {
    /// The parts of each tensor, in their order along its first dimension.
    tensors: BTreeMap<String, BTreeMap<usize, TensorView>>,
    metadata: BTreeMap<String, String>,
    /// The name of the model's family in GGUF files.
    pub(crate) architecture: Option<&'static str>,
}

impl WeightsWriter {
    /// Creates a writer of these weights under their names.
    pub fn new(weights: &Weights) -> Self {
        let mut writer = Self::default();
        weights.tensors.iter().for_each(|(key, tensor)| writer.add_part(key.clone(), 0, tensor.clone()));
        // transformers requires it of a safetensors file.
        writer.add_metadata("format", "pt");
        writer
    }

    /// Names the model in the file's metadata, as `modelspec.title`.
    #[must_use]
    pub fn titled(mut self, title: &str) -> Self {
        self.add_metadata("modelspec.title", title);
        self
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

    /// Returns the size of all values in bytes, in the file at `path`.
    pub fn bytes(&self, path: &Path, form: Form) -> u64 {
        self.drafts(form, gguf::is_name(path)).iter().map(|draft| draft.bytes() as u64).sum()
    }

    /// Writes the file: GGUF if its name ends in `.gguf`, else safetensors.
    ///
    /// `watch` is called with the number of bytes written since its last call, and returns whether to continue.
    ///
    /// # Errors
    ///
    /// [`WeightsError::Format`] for blocks in a safetensors file, [`WeightsError::NotFinite`] for a weight out of its precision's
    /// range, [`WeightsError::Stopped`] if `watch` breaks, and errors of reading and writing; nothing is left half-written.
    pub fn write(
        &self,
        path: &Path,
        form: Form,
        watch: &mut dyn FnMut(u64) -> ControlFlow<()>,
    ) -> Result<(), WeightsError> {
        let is_gguf = gguf::is_name(path);
        if let (false, Form::Blocks { kind, .. }) = (is_gguf, form) {
            let (file, reason) =
                (path.to_path_buf(), format!("{kind} blocks are written to GGUF files: name it .gguf"));
            return Err(WeightsError::Format { file, format: "GGUF", reason });
        }
        let mut drafts = self.drafts(form, is_gguf);
        let (head, alignment) = match is_gguf {
            true => gguf::head(self.architecture, &self.metadata, &drafts),
            false => safetensors_file::head(&self.metadata, &mut drafts),
        };
        let mut failed = None;
        let written = write_atomically(path, |file| {
            file.write_all(&head)?;
            for draft in &drafts {
                for part in draft.parts.values() {
                    // An error here is returned unchanged, not as an error of writing.
                    let mut fail = |error| {
                        failed = Some(error);
                        io::Error::other("returned unchanged")
                    };
                    let data = encoded(draft.key, part, draft.stored).map_err(&mut fail)?;
                    file.write_all(&data)?;
                    if watch(data.len() as u64).is_break() {
                        return Err(fail(WeightsError::Stopped { file: path.to_path_buf() }));
                    }
                }
                let bytes = draft.bytes();
                file.write_all(&vec![0; bytes.next_multiple_of(alignment) - bytes])?;
            }
            Ok(())
        });
        match (failed, written) {
            (Some(error), _) => Err(error),
            (None, Err(source)) => Err(WeightsError::Io { file: path.to_path_buf(), source }),
            (None, Ok(())) => Ok(()),
        }
    }

    fn drafts(&self, form: Form, takes_blocks: bool) -> Vec<Draft<'_>> {
        let mut drafts = Vec::new();
        for (key, parts) in &self.tensors {
            let shape = shape(parts);
            drafts.push(Draft { key, stored: form.of(key, &shape, parts, takes_blocks), shape, parts });
        }
        drafts
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

#[cfg(test)]
mod tests {
    use burn::tensor::FloatDType;
    use safetensors::Dtype;

    use super::*;

    fn tensor(folder: &Path, name: &str, values: &[f32]) -> TensorView {
        let file = folder.join(name);
        std::fs::write(&file, bytemuck::cast_slice(values)).unwrap();
        TensorView::in_rows(file.into(), 0, Dtype::F32, vec![values.len()])
    }

    #[test]
    fn parts_follow_each_other_in_their_order_and_markers_have_no_values() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = WeightsWriter::default();
        writer.add_part("packed".into(), 1, tensor(folder.path(), "b", &[3.0]));
        writer.add_part("packed".into(), 0, tensor(folder.path(), "a", &[1.0, 2.0]));
        writer.add_marker("v_pred");
        let file = folder.path().join("model.safetensors");
        let mut bytes = 0;
        let mut watch = |n| {
            bytes += n;
            ControlFlow::Continue(())
        };
        writer.write(&file, Form::Cast(FloatDType::F16), &mut watch).unwrap();
        assert_eq!((bytes, writer.bytes(&file, Form::Cast(FloatDType::F16))), (6, 6));
        let weights = Weights::in_file(&file).unwrap();
        assert_eq!(weights.read("packed").unwrap(), [1.0, 2.0, 3.0]);
        assert_eq!((weights.dtype("packed"), weights.shape("v_pred")), (Some(Dtype::F16), Some(&[0][..])));
    }

    #[test]
    fn a_failed_write_names_its_cause_and_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = WeightsWriter::default();
        writer.add_part("large".into(), 0, tensor(folder.path(), "a", &[1e5]));
        let file = folder.path().join("model.safetensors");
        let write = |form, flow| writer.write(&file, form, &mut |_| flow).unwrap_err();
        let error = write(Form::Cast(FloatDType::F16), ControlFlow::Continue(()));
        assert!(matches!(&error, WeightsError::NotFinite { key, dtype: "f16", .. } if key == "large"), "{error}");
        assert!(matches!(write(Form::Own, ControlFlow::Break(())), WeightsError::Stopped { .. }));
        std::fs::write(folder.path().join("a"), [0; 3]).unwrap();
        let error = write(Form::Own, ControlFlow::Continue(()));
        assert!(matches!(&error, WeightsError::Io { file, .. } if file.ends_with("a")), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        let error =
            writer.write(&folder.path().join("no/folder"), Form::Own, &mut |_| ControlFlow::Continue(())).unwrap_err();
        assert!(matches!(&error, WeightsError::Io { file, .. } if file.ends_with("folder")), "{error}");
    }
}
