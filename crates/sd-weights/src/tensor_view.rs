use std::io::Read;
use std::sync::Arc;

use burn::tensor::{FloatDType, TensorData};
use bytemuck::Pod;
use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use safetensors::Dtype;

use crate::WeightsError;
use crate::cast::{Scalar, dtype_name};
use crate::float8::{e4m3, e5m2};
use crate::parallel::in_parts;
use crate::source::Source;
use crate::stored_type::StoredType;

/// The number of values read at a time.
pub(crate) const BLOCK: usize = 1 << 14;

/// Whether values have to be finite.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Finite {
    Required,
    Optional,
}

/// Why values could not be read.
#[derive(Debug)]
pub(crate) enum Failed {
    Io(std::io::Error),
    NotFinite(f32),
}

impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

/// A tensor as a view of values in a file, as PyTorch has views of memory.
///
/// Its creator has checked that all of it is in the file.
#[derive(Debug, Clone)]
pub(crate) struct TensorView {
    pub file: Source,
    /// The name in the file, if it differs from the name here.
    pub name: Option<Arc<str>>,
    /// The byte at which the first value starts.
    pub offset: u64,
    /// The number of values between that byte and the first value, in a tensor of blocks: less than a block.
    pub first: usize,
    pub dtype: StoredType,
    pub shape: Vec<usize>,
    /// For each dimension, the distance to the next value, in values.
    pub strides: Vec<usize>,
    /// A single value to multiply all values by.
    pub scale: Option<Arc<TensorView>>,
}

impl TensorView {
    /// Creates a view of contiguous values, row by row.
    pub fn in_rows(file: Source, offset: u64, dtype: impl Into<StoredType>, shape: Vec<usize>) -> Self {
        let strides = strides_in_rows(&shape);
        Self { file, name: None, offset, first: 0, dtype: dtype.into(), shape, strides, scale: None }
    }

    /// Returns the number of values.
    pub fn elements(&self) -> usize {
        self.shape.iter().fold(1, |product, n| product.wrapping_mul(*n))
    }

    /// Returns one of `parts` equal parts of the first dimension; `None` if it is not a multiple of `parts`.
    pub fn part(&self, index: usize, parts: usize) -> Option<Self> {
        let rows = *self.shape.first().filter(|rows| rows.is_multiple_of(parts))? / parts;
        let mut part = self.clone();
        part.shape[0] = rows;
        let skipped = index * rows * self.strides[0];
        match self.dtype {
            StoredType::Plain(dtype) => part.offset += (skipped * dtype.bitsize() / 8) as u64,
            StoredType::Blocks(kind) => {
                let first = part.first + skipped;
                part.offset += (first / kind.values() * kind.bytes()) as u64;
                part.first = first % kind.values();
            }
        }
        Some(part)
    }

    /// Reverses the dimensions; a matrix is transposed.
    pub fn transposed(mut self) -> Self {
        self.shape.reverse();
        self.strides.reverse();
        self
    }

    /// Adds or removes dimensions of size 1 at the end: turns a matrix into a 1×1 convolution, or back.
    pub fn ending_in_ones(mut self, dimensions: usize) -> Self {
        self.shape.resize(dimensions, 1);
        self.strides.resize(dimensions, 1);
        self
    }

    /// Reads the values row by row and casts them; `None` if their type is not supported.
    fn read<S: Scalar>(&self, finite: Finite) -> Result<Option<Vec<S>>, Failed> {
        let scale = match &self.scale {
            Some(scale) => scale.read::<f32>(finite)?.and_then(|values| values.first().copied()),
            None => Some(1.0),
        };
        let Some(scale) = scale else { return Ok(None) };
        // Checkpoints are little-endian, as are all machines this runs on.
        let dtype = match self.dtype {
            StoredType::Plain(dtype) => dtype,
            StoredType::Blocks(kind) => return Ok(Some(self.in_order(self.read_blocks(kind)?))),
        };
        let values = match dtype {
            Dtype::F32 => self.read_as(finite, scale, |block: &[f32], wide| wide.copy_from_slice(block))?,
            Dtype::F16 => self.read_as(finite, scale, |block: &[f16], wide| block.convert_to_f32_slice(wide))?,
            Dtype::BF16 => self.read_as(finite, scale, |block: &[bf16], wide| block.convert_to_f32_slice(wide))?,
            Dtype::F64 => self.read_each(finite, scale, |value: f64| value as f32)?,
            Dtype::F8_E4M3 => self.read_each(finite, scale, e4m3)?,
            Dtype::F8_E5M2 => self.read_each(finite, scale, e5m2)?,
            Dtype::I64 => self.read_each(finite, scale, |value: i64| value as f32)?,
            Dtype::U64 => self.read_each(finite, scale, |value: u64| value as f32)?,
            Dtype::I32 => self.read_each(finite, scale, |value: i32| value as f32)?,
            Dtype::U32 => self.read_each(finite, scale, |value: u32| value as f32)?,
            Dtype::I16 => self.read_each(finite, scale, |value: i16| value.into())?,
            Dtype::U16 => self.read_each(finite, scale, |value: u16| value.into())?,
            Dtype::I8 => self.read_each(finite, scale, |value: i8| value.into())?,
            Dtype::U8 => self.read_each(finite, scale, |value: u8| value.into())?,
            _ => return Ok(None),
        };
        Ok(Some(self.in_order(values)))
    }

    /// Whether the values lie in the order of the rows, without gaps.
    pub(crate) fn lies_in_rows(&self) -> bool {
        self.strides == strides_in_rows(&self.shape)
    }

    /// Returns the view's values row by row, given those of its span.
    fn in_order<S: Copy>(&self, span: Vec<S>) -> Vec<S> {
        if self.lies_in_rows() { span } else { self.gather(&span) }
    }

    fn read_each<T: Pod, S: Scalar>(
        &self,
        finite: Finite,
        scale: f32,
        widen: impl Fn(T) -> f32 + Sync,
    ) -> Result<Vec<S>, Failed> {
        self.read_as(finite, scale, |block: &[T], wide| {
            wide.iter_mut().zip(block).for_each(|(to, from)| *to = widen(*from));
        })
    }

    /// Reads and casts the values of the span, block by block, so that only the result takes memory. It uses all cores,
    /// because the system spends most of the time on allocating that memory.
    fn read_as<T: Pod, S: Scalar>(
        &self,
        finite: Finite,
        scale: f32,
        widen: impl Fn(&[T], &mut [f32]) + Sync,
    ) -> Result<Vec<S>, Failed> {
        let mut values = vec![S::zeroed(); self.span()];
        in_parts(&mut values, |start, part| -> Result<(), Failed> {
            let mut bytes = self.file.open_at(self.offset + (start * size_of::<T>()) as u64)?;
            let count = part.len().min(BLOCK);
            let (mut block, mut wide) = (vec![T::zeroed(); count], vec![0.0; count]);
            for values in part.chunks_mut(BLOCK) {
                let (block, wide) = (&mut block[..values.len()], &mut wide[..values.len()]);
                bytes.read_exact(bytemuck::cast_slice_mut(block))?;
                S::fill(values, wide, |wide| {
                    widen(block, wide);
                    if scale != 1.0 {
                        wide.iter_mut().for_each(|value| *value *= scale);
                    }
                });
                if finite == Finite::Required {
                    S::check(values).map_err(Failed::NotFinite)?;
                }
            }
            Ok(())
        })?;
        Ok(values)
    }

    /// The same as [`Self::read`]; `key` is the tensor's name in messages if it has no name of its own.
    fn values<S: Scalar>(&self, key: &str, finite: Finite) -> Result<Vec<S>, WeightsError> {
        match self.read(finite) {
            Ok(Some(values)) => Ok(values),
            Ok(None) => {
                let (file, key) = (self.file.to_path_buf(), self.name.as_deref().unwrap_or(key).to_string());
                Err(WeightsError::WrongType { file, key, found: self.dtype.to_string() })
            }
            Err(failed) => Err(self.error(key, failed, dtype_name(FloatDType::from(S::dtype())))),
        }
    }

    /// Returns the error of a reading that failed; `dtype` is the precision that was wanted.
    pub(crate) fn error(&self, key: &str, failed: Failed, dtype: &'static str) -> WeightsError {
        let (file, key) = (self.file.to_path_buf(), self.name.as_deref().unwrap_or(key).to_string());
        match failed {
            Failed::Io(source) => WeightsError::Io { file, source },
            Failed::NotFinite(found) => WeightsError::NotFinite { file, key, found, dtype },
        }
    }

    /// Reads the values in single precision, row by row.
    pub fn single(&self, key: &str) -> Result<Vec<f32>, WeightsError> {
        self.values(key, Finite::Optional)
    }

    /// Reads the first value, a setting rather than a weight; booleans are 0 or 1.
    pub fn scalar(&self, key: &str) -> Result<f64, WeightsError> {
        let is_bool = self.dtype == StoredType::Plain(Dtype::BOOL);
        let dtype = if is_bool { Dtype::U8.into() } else { self.dtype };
        Ok(f64::from(Self { dtype, ..self.clone() }.single(key)?[0]))
    }

    /// Reads the values as tensor data of a precision and a shape; all have to be finite.
    pub fn data(&self, key: &str, dtype: FloatDType, shape: &[usize]) -> Result<TensorData, WeightsError> {
        Ok(match dtype {
            FloatDType::F16 => TensorData::new(self.values::<f16>(key, Finite::Required)?, shape),
            FloatDType::BF16 => TensorData::new(self.values::<bf16>(key, Finite::Required)?, shape),
            _ => TensorData::new(self.values::<f32>(key, Finite::Required)?, shape),
        })
    }

    /// Returns the number of values from the first to the last, including those that the view skips.
    pub(crate) fn span(&self) -> usize {
        if self.elements() == 0 {
            return 0;
        }
        1 + self.shape.iter().zip(&self.strides).map(|(n, stride)| (n - 1) * stride).sum::<usize>()
    }

    /// Selects the view's values, row by row, from those of its span.
    fn gather<S: Copy>(&self, span: &[S]) -> Vec<S> {
        let mut index = vec![0; self.shape.len()];
        let mut at = 0;
        let next = |_| {
            let value = span[at];
            for d in (0..index.len()).rev() {
                index[d] += 1;
                at += self.strides[d];
                if index[d] < self.shape[d] {
                    break;
                }
                at -= index[d] * self.strides[d];
                index[d] = 0;
            }
            value
        };
        (0..self.elements()).map(next).collect()
    }
}

/// Returns a tensor's shape as a matrix: its first dimension, and the product of the others.
pub(crate) fn matrix_shape(shape: &[usize]) -> [usize; 2] {
    [shape.first().copied().unwrap_or(1), shape.iter().skip(1).product()]
}

pub(crate) fn strides_in_rows(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1_usize; shape.len()];
    for d in (1..shape.len()).rev() {
        // Only a tensor without values can be so wide that this wraps around.
        strides[d - 1] = strides[d].wrapping_mul(shape[d]);
    }
    strides
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// Writes a file of the values 0, 1, 2, ….
    fn counted(count: u8) -> (tempfile::NamedTempFile, TensorView) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        (0..count).for_each(|n| file.write_all(&f32::from(n).to_le_bytes()).unwrap());
        let tensor = TensorView::in_rows(file.path().into(), 0, Dtype::F32, vec![6, 2]);
        (file, tensor)
    }

    #[test]
    fn parts_of_the_first_dimension_follow_each_other() {
        let (_file, tensor) = counted(12);
        assert_eq!(tensor.part(1, 3).unwrap().read::<f32>(Finite::Required).unwrap().unwrap(), [4.0, 5.0, 6.0, 7.0]);
        assert_eq!(tensor.part(2, 3).unwrap().shape, [2, 2]);
        assert!(tensor.part(0, 4).is_none());
    }

    #[test]
    fn a_transposed_matrix_is_read_by_columns() {
        let (_file, tensor) = counted(12);
        let transposed = tensor.part(0, 2).unwrap().transposed();
        assert_eq!(transposed.shape, [2, 3]);
        assert_eq!(transposed.read::<f32>(Finite::Required).unwrap().unwrap(), [0.0, 2.0, 4.0, 1.0, 3.0, 5.0]);
    }

    #[test]
    fn a_view_leaves_out_the_values_that_its_strides_skip() {
        let (_file, tensor) = counted(12);
        let view = TensorView { offset: 4, shape: vec![2, 1, 2], strides: vec![5, 99, 2], ..tensor };
        assert_eq!(view.read::<f32>(Finite::Required).unwrap().unwrap(), [1.0, 3.0, 6.0, 8.0]);
        let nothing = TensorView { shape: vec![0, 2], strides: vec![5, 2], ..view };
        assert_eq!(nothing.read::<f32>(Finite::Required).unwrap().unwrap(), [0.0; 0]);
    }
}
