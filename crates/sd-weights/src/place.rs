use std::io::Read;
use std::sync::Arc;

use burn::tensor::{FloatDType, TensorData};
use bytemuck::Pod;
use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use safetensors::Dtype;

use crate::WeightsError;
use crate::cast::Number;
use crate::float8::{e4m3, e5m2};
use crate::load::name_of;
use crate::parts::in_parts;
use crate::source::Source;

/// Numbers that are read at a time.
const BLOCK: usize = 1 << 14;

/// What is asked of numbers that are read.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Finite {
    All,
    OrNot,
}

/// Why numbers could not be read.
#[derive(Debug)]
enum Failed {
    Io(std::io::Error),
    NotFinite(f32),
}

impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

/// Where a tensor lies: a view of numbers in a file, as PyTorch has views of memory.
///
/// Whoever makes one has checked that all of it is in the file.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub file: Source,
    /// The name in the file, where the tensor goes by another one here.
    pub name: Option<Arc<str>>,
    /// The byte that the first number starts at.
    pub offset: u64,
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    /// How many numbers further the next one of each dimension is.
    pub strides: Vec<usize>,
    /// One number that all are multiplied by.
    pub scale: Option<Arc<Place>>,
}

impl Place {
    /// Numbers one after the other, row by row.
    pub fn in_rows(file: Source, offset: u64, dtype: Dtype, shape: Vec<usize>) -> Self {
        let strides = strides_in_rows(&shape);
        Self { file, name: None, offset, dtype, shape, strides, scale: None }
    }

    /// How many numbers there are.
    pub fn elements(&self) -> usize {
        self.shape.iter().fold(1, |product, n| product.wrapping_mul(*n))
    }

    /// One of several equal parts of the first dimension, if it can be divided so.
    pub fn part(&self, index: usize, parts: usize) -> Option<Self> {
        let rows = *self.shape.first().filter(|rows| rows.is_multiple_of(parts))? / parts;
        let mut part = self.clone();
        part.shape[0] = rows;
        part.offset += (index * rows * self.strides[0] * self.dtype.bitsize() / 8) as u64;
        Some(part)
    }

    /// The same numbers with the dimensions in the opposite order: a matrix transposed.
    pub fn transposed(mut self) -> Self {
        self.shape.reverse();
        self.strides.reverse();
        self
    }

    /// The same numbers with so many dimensions, of which those that come or go at the end are 1: a matrix as a 1×1
    /// convolution, or back.
    pub fn ending_in_ones(mut self, dimensions: usize) -> Self {
        self.shape.resize(dimensions, 1);
        self.strides.resize(dimensions, 1);
        self
    }

    /// The numbers row by row, cast, and all of them finite if that is `wanted`; none where they are of a type that is not
    /// read.
    fn read<N: Number>(&self, wanted: Finite) -> Result<Option<Vec<N>>, Failed> {
        let scale = match &self.scale {
            Some(scale) => scale.read::<f32>(wanted)?.and_then(|numbers| numbers.first().copied()),
            None => Some(1.0),
        };
        let Some(scale) = scale else { return Ok(None) };
        // Checkpoints are little-endian, as are all machines this runs on.
        let numbers = match self.dtype {
            Dtype::F32 => self.read_as(wanted, scale, |block: &[f32], wide| wide.copy_from_slice(block))?,
            Dtype::F16 => self.read_as(wanted, scale, |block: &[f16], wide| block.convert_to_f32_slice(wide))?,
            Dtype::BF16 => self.read_as(wanted, scale, |block: &[bf16], wide| block.convert_to_f32_slice(wide))?,
            Dtype::F64 => self.read_each(wanted, scale, |number: f64| number as f32)?,
            Dtype::F8_E4M3 => self.read_each(wanted, scale, e4m3)?,
            Dtype::F8_E5M2 => self.read_each(wanted, scale, e5m2)?,
            Dtype::I64 => self.read_each(wanted, scale, |number: i64| number as f32)?,
            Dtype::U64 => self.read_each(wanted, scale, |number: u64| number as f32)?,
            Dtype::I32 => self.read_each(wanted, scale, |number: i32| number as f32)?,
            Dtype::U32 => self.read_each(wanted, scale, |number: u32| number as f32)?,
            Dtype::I16 => self.read_each(wanted, scale, |number: i16| number.into())?,
            Dtype::U16 => self.read_each(wanted, scale, |number: u16| number.into())?,
            Dtype::I8 => self.read_each(wanted, scale, |number: i8| number.into())?,
            Dtype::U8 => self.read_each(wanted, scale, |number: u8| number.into())?,
            _ => return Ok(None),
        };
        let lies_in_rows = self.strides == strides_in_rows(&self.shape);
        Ok(Some(if lies_in_rows { numbers } else { self.gather(&numbers) }))
    }

    fn read_each<T: Pod, N: Number>(
        &self,
        wanted: Finite,
        scale: f32,
        widen: impl Fn(T) -> f32 + Sync,
    ) -> Result<Vec<N>, Failed> {
        self.read_as(wanted, scale, |block: &[T], wide| {
            wide.iter_mut().zip(block).for_each(|(to, from)| *to = widen(*from));
        })
    }

    /// The numbers of the span, read and cast block by block, so that only the result takes memory; on all cores, because
    /// most of the time goes to the system's handing that memory out.
    fn read_as<T: Pod, N: Number>(
        &self,
        wanted: Finite,
        scale: f32,
        widen: impl Fn(&[T], &mut [f32]) + Sync,
    ) -> Result<Vec<N>, Failed> {
        let mut numbers = vec![N::zeroed(); self.span()];
        in_parts(&mut numbers, |start, part| -> Result<(), Failed> {
            let mut bytes = self.file.open_at(self.offset + (start * size_of::<T>()) as u64)?;
            let count = part.len().min(BLOCK);
            let (mut block, mut wide) = (vec![T::zeroed(); count], vec![0.0; count]);
            for numbers in part.chunks_mut(BLOCK) {
                let (block, wide) = (&mut block[..numbers.len()], &mut wide[..numbers.len()]);
                bytes.read_exact(bytemuck::cast_slice_mut(block))?;
                N::fill(numbers, wide, |wide| {
                    widen(block, wide);
                    if scale != 1.0 {
                        wide.iter_mut().for_each(|number| *number *= scale);
                    }
                });
                if wanted == Finite::All {
                    N::check(numbers).map_err(Failed::NotFinite)?;
                }
            }
            Ok(())
        })?;
        Ok(numbers)
    }

    /// The same; `key` is the tensor's name in messages, where it has none of its own.
    fn numbers<N: Number>(&self, key: &str, wanted: Finite) -> Result<Vec<N>, WeightsError> {
        let (file, key) = (self.file.to_path_buf(), self.name.as_deref().unwrap_or(key).to_string());
        match self.read(wanted) {
            Ok(Some(numbers)) => Ok(numbers),
            Ok(None) => Err(WeightsError::WrongType { file, key, found: format!("{:?}", self.dtype).to_lowercase() }),
            Err(Failed::Io(source)) => Err(WeightsError::Io { file, source }),
            Err(Failed::NotFinite(found)) => {
                let dtype = name_of(FloatDType::from(N::dtype()));
                Err(WeightsError::NotFinite { file, key, found, dtype })
            }
        }
    }

    /// The numbers in single precision, row by row.
    pub fn single(&self, key: &str) -> Result<Vec<f32>, WeightsError> {
        self.numbers(key, Finite::OrNot)
    }

    /// The first number, which is a setting rather than a weight; of truth values, 0 or 1.
    pub fn scalar(&self, key: &str) -> Result<f64, WeightsError> {
        let dtype = if self.dtype == Dtype::BOOL { Dtype::U8 } else { self.dtype };
        Ok(f64::from(Self { dtype, ..self.clone() }.single(key)?[0]))
    }

    /// The numbers as data of a shape and a precision, in which all are finite.
    pub fn data(&self, key: &str, dtype: FloatDType, shape: &[usize]) -> Result<TensorData, WeightsError> {
        Ok(match dtype {
            FloatDType::F16 => TensorData::new(self.numbers::<f16>(key, Finite::All)?, shape),
            FloatDType::BF16 => TensorData::new(self.numbers::<bf16>(key, Finite::All)?, shape),
            _ => TensorData::new(self.numbers::<f32>(key, Finite::All)?, shape),
        })
    }

    /// How many numbers there are from the first to the last, those between them included.
    fn span(&self) -> usize {
        if self.elements() == 0 {
            return 0;
        }
        1 + self.shape.iter().zip(&self.strides).map(|(n, stride)| (n - 1) * stride).sum::<usize>()
    }

    /// The view's numbers row by row, of the numbers of its span.
    fn gather<N: Copy>(&self, span: &[N]) -> Vec<N> {
        let mut index = vec![0; self.shape.len()];
        let mut at = 0;
        let next = |_| {
            let number = span[at];
            for d in (0..index.len()).rev() {
                index[d] += 1;
                at += self.strides[d];
                if index[d] < self.shape[d] {
                    break;
                }
                at -= index[d] * self.strides[d];
                index[d] = 0;
            }
            number
        };
        (0..self.elements()).map(next).collect()
    }
}

fn strides_in_rows(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1_usize; shape.len()];
    for d in (1..shape.len()).rev() {
        // Only a tensor without any number can be so wide that this wraps around.
        strides[d - 1] = strides[d].wrapping_mul(shape[d]);
    }
    strides
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// A file of the numbers 0, 1, 2, ….
    fn counted(count: u8) -> (tempfile::NamedTempFile, Place) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        (0..count).for_each(|n| file.write_all(&f32::from(n).to_le_bytes()).unwrap());
        let place = Place::in_rows(file.path().into(), 0, Dtype::F32, vec![6, 2]);
        (file, place)
    }

    #[test]
    fn parts_of_the_first_dimension_follow_each_other() {
        let (_file, place) = counted(12);
        assert_eq!(place.part(1, 3).unwrap().read::<f32>(Finite::All).unwrap().unwrap(), [4.0, 5.0, 6.0, 7.0]);
        assert_eq!(place.part(2, 3).unwrap().shape, [2, 2]);
        assert!(place.part(0, 4).is_none());
    }

    #[test]
    fn a_transposed_matrix_is_read_by_columns() {
        let (_file, place) = counted(12);
        let transposed = place.part(0, 2).unwrap().transposed();
        assert_eq!(transposed.shape, [2, 3]);
        assert_eq!(transposed.read::<f32>(Finite::All).unwrap().unwrap(), [0.0, 2.0, 4.0, 1.0, 3.0, 5.0]);
    }

    #[test]
    fn a_view_leaves_out_what_its_strides_pass_over() {
        let (_file, place) = counted(12);
        let view = Place { offset: 4, shape: vec![2, 1, 2], strides: vec![5, 99, 2], ..place };
        assert_eq!(view.read::<f32>(Finite::All).unwrap().unwrap(), [1.0, 3.0, 6.0, 8.0]);
        let nothing = Place { shape: vec![0, 2], strides: vec![5, 2], ..view };
        assert_eq!(nothing.read::<f32>(Finite::All).unwrap().unwrap(), [0.0; 0]);
    }
}
