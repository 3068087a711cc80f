//! Weights that are used where they lie in their files.

use std::io::Read;
use std::ops::Range;

use burn::tensor::{DType, Device, FloatDType, Tensor, TensorData};
use half::{bf16, f16};
use safetensors::Dtype;
use sd_ops::MappedWeights;

use crate::cast::{Scalar, dtype_name};
use crate::parallel::in_parts;
use crate::stored_type::StoredType;
use crate::tensor_view::{BLOCK, Failed, TensorView, strides_in_rows};
use crate::{Precision, Weights, WeightsError};

/// The fewest bytes that are left in a file: a page of memory.
const LEAST: u64 = 4096;

impl Weights {
    /// Leaves large weights in their files: [`load`](Self::load) makes tensors of Burn's Flex backend that are read when they
    /// are used.
    ///
    /// These are the weights of linear layers, convolutions and embeddings that no [LoRA](crate::Lora) changes, of f32 and f16,
    /// in the type that they have in the file; and of bf16, if that is the precision that they are loaded in. A kernel widens
    /// f16 as it multiplies, so that the results are those of single precision. Everything else is read into memory: small
    /// tensors, other types, and what is not aligned in its file or in an order of its own.
    ///
    /// The values are read once when they are loaded, to find those that are not finite.
    #[must_use]
    pub fn in_files(&self, mapped: &MappedWeights) -> Self {
        Self { mapped: Some(mapped.clone()), ..self.clone() }
    }

    /// Returns where the bytes of all values are if those stay [in their files](Self::in_files) that can. All tensors with at
    /// least two dimensions are taken for weights of layers.
    pub fn places(&self, precision: impl Into<Precision>) -> Places {
        let precision = precision.into();
        let mut places = Places::default();
        for (key, tensor) in &self.tensors {
            let is_layer = tensor.shape.len() > 1;
            let place = tensor.place(precision.weights).filter(|_| is_layer && !self.patches.contains_key(key));
            match place.map(|place| (place.bytes.end - place.bytes.start) as usize) {
                Some(bytes) => {
                    places.in_files += bytes;
                    places.largest_in_file = places.largest_in_file.max(bytes);
                }
                None if self.stays_in_blocks(key, precision.keeps_blocks) => {
                    places.in_memory += tensor.dtype.bytes(tensor.elements()).unwrap_or(0);
                }
                None => {
                    let dtype = if is_layer { precision.weights } else { precision.rest };
                    places.in_memory += tensor.elements() * DType::from(dtype).size();
                }
            }
        }
        places
    }
}

/// Where the bytes of weights are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Places {
    /// Bytes that are read into memory when the weights are loaded.
    pub in_memory: usize,
    /// Bytes that stay in their files.
    pub in_files: usize,
    /// Those of the largest tensor of these.
    pub largest_in_file: usize,
}

/// Values of a file that can be used there.
struct Place {
    bytes: Range<u64>,
    dtype: DType,
    /// Whether it is a matrix that lies in the file by columns.
    is_transposed: bool,
}

impl TensorView {
    /// Returns where the values of a layer's weight can be used; `None` if they have to be read.
    fn place(&self, precision: FloatDType) -> Option<Place> {
        let StoredType::Plain(dtype) = self.dtype else { return None };
        let dtype = match dtype {
            Dtype::F32 => DType::F32,
            Dtype::F16 => DType::F16,
            // Products with bf16 are rounded, which only that precision asks for.
            Dtype::BF16 if precision == FloatDType::BF16 => DType::BF16,
            _ => return None,
        };
        let reversed = || self.shape.iter().rev().copied().collect::<Vec<_>>();
        let is_transposed = match &self.strides {
            strides if *strides == strides_in_rows(&self.shape) => false,
            strides if strides.len() == 2 && [strides[1], strides[0]] == strides_in_rows(&reversed())[..] => true,
            _ => return None,
        };
        let bytes = (self.elements() * dtype.size()) as u64;
        let fits = self.scale.is_none() && self.file.is_on_disk() && self.offset.is_multiple_of(dtype.size() as u64);
        (fits && bytes >= LEAST).then_some(Place { bytes: self.offset..self.offset + bytes, dtype, is_transposed })
    }

    /// Returns the values as a tensor of a shape that lies in the file; `None` if they have to be read. All have to be finite.
    pub fn in_file<const D: usize>(
        &self,
        key: &str,
        precision: FloatDType,
        shape: &[usize],
        (mapped, device): (&MappedWeights, &Device),
    ) -> Result<Option<Tensor<D>>, WeightsError> {
        let Some(Place { bytes, dtype, is_transposed }) = self.place(precision) else { return Ok(None) };
        match dtype {
            DType::F16 => self.check::<f16>(key)?,
            DType::BF16 => self.check::<bf16>(key)?,
            _ => self.check::<f32>(key)?,
        }
        let bytes = mapped.bytes(&self.file, bytes);
        let bytes = bytes.map_err(|source| WeightsError::Io { file: self.file.to_path_buf(), source })?;
        let tensor =
            |shape: Vec<usize>| Tensor::from_data(TensorData::from_bytes(bytes, shape, dtype), (device, dtype));
        Ok(Some(match is_transposed {
            true => tensor(shape.iter().rev().copied().collect()).swap_dims(0, 1),
            false => tensor(shape.to_vec()),
        }))
    }

    /// Reads the values, a block at a time, to check that all are finite.
    fn check<S: Scalar>(&self, key: &str) -> Result<(), WeightsError> {
        let read = |start: usize, values: &mut [()]| -> Result<(), Failed> {
            let mut bytes = self.file.open_at(self.offset + (start * size_of::<S>()) as u64)?;
            let mut block = vec![S::zeroed(); values.len().min(BLOCK)];
            for values in values.chunks(BLOCK) {
                let block = &mut block[..values.len()];
                bytes.read_exact(bytemuck::cast_slice_mut(block))?;
                S::check(block).map_err(Failed::NotFinite)?;
            }
            Ok(())
        };
        // These have no size: only the blocks take memory.
        in_parts(&mut vec![(); self.elements()], read)
            .map_err(|failed| self.error(key, failed, dtype_name(FloatDType::from(S::dtype()))))
    }
}
