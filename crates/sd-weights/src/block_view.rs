//! Reading tensors that a file stores in quantized blocks.

use std::io::Read;

use burn::tensor::quantization::{QuantScheme, QuantStore, QuantValue, ScaleDtype};
use burn::tensor::{DType, TensorData};
use sd_quant::{BlockKind, Blocks};

use crate::WeightsError;
use crate::cast::Scalar;
use crate::parallel::in_parts;
use crate::stored_type::StoredType;
use crate::tensor_view::{BLOCK, Failed, TensorView};

impl TensorView {
    /// Reads and widens the values of the span.
    pub(crate) fn read_blocks<S: Scalar>(&self, kind: BlockKind) -> Result<Vec<S>, Failed> {
        let mut values = vec![S::zeroed(); self.span()];
        in_parts(&mut values, |start, part| -> Result<(), Failed> {
            let at = self.first + start;
            let offset = self.offset + (at / kind.values() * kind.bytes()) as u64;
            let mut reader = self.file.open_at(offset)?;
            let (mut skip, mut rest) = (at % kind.values(), part);
            let (mut bytes, mut wide) = (Vec::new(), vec![0.0; rest.len().min(BLOCK)]);
            while !rest.is_empty() {
                let (here, others) = rest.split_at_mut((BLOCK - skip).min(rest.len()));
                bytes.resize((skip + here.len()).div_ceil(kind.values()) * kind.bytes(), 0);
                reader.read_exact(&mut bytes)?;
                check(kind, &bytes)?;
                let blocks = Blocks::new(kind, &bytes);
                let wide = &mut wide[..here.len()];
                S::fill(here, wide, |wide| blocks.widen(skip, wide));
                S::check(here).map_err(Failed::NotFinite)?;
                (rest, skip) = (others, 0);
            }
            Ok(())
        })?;
        Ok(values)
    }

    /// Returns the kind of the tensor's blocks, if it is in blocks and its values are whole blocks in their order.
    pub fn block_kind(&self) -> Option<BlockKind> {
        let StoredType::Blocks(kind) = self.dtype else { return None };
        let is_whole = self.first == 0 && self.lies_in_rows() && self.elements().is_multiple_of(kind.values());
        is_whole.then_some(kind)
    }

    /// Reads the blocks as they are, if there is a [`block_kind`](Self::block_kind).
    pub fn blocks(&self, key: &str) -> Result<Option<(BlockKind, Vec<u8>)>, WeightsError> {
        let Some(kind) = self.block_kind() else { return Ok(None) };
        let mut bytes = vec![0; self.elements() / kind.values() * kind.bytes()];
        let mut read = || -> Result<(), Failed> {
            self.file.open_at(self.offset)?.read_exact(&mut bytes)?;
            check(kind, &bytes)
        };
        read().map_err(|failed| self.error(key, failed, kind.name()))?;
        Ok(Some((kind, bytes)))
    }

    /// Reads the blocks as a [quantized tensor](quantized), if there is a [`block_kind`](Self::block_kind).
    pub fn quantized(&self, key: &str, dimensions: usize) -> Result<Option<TensorData>, WeightsError> {
        Ok(self.blocks(key)?.map(|(kind, bytes)| quantized(kind, bytes, dimensions)))
    }
}

/// Returns blocks as the quantized tensor that the operators of `sd_ops` multiply with: `[blocks, bytes of a block, …]` with ones
/// behind it, one row for each block. The bytes are Burn's quantized integers, with a scale of 1.
///
/// # Panics
///
/// Panics if the bytes are no whole blocks.
pub fn quantized(kind: BlockKind, bytes: Vec<u8>, dimensions: usize) -> TensorData {
    assert!(bytes.len().is_multiple_of(kind.bytes()), "{} bytes are no blocks of {kind}", bytes.len());
    quantized_rows(kind.bytes(), bytes, dimensions)
}

/// Returns bytes as a quantized tensor, `[rows, bytes of a row, …]` with ones behind it.
pub(crate) fn quantized_rows(row: usize, mut bytes: Vec<u8>, dimensions: usize) -> TensorData {
    let mut shape = vec![bytes.len() / row, row];
    shape.resize(dimensions, 1);
    let scheme =
        QuantScheme::default().with_value(QuantValue::Q8S).with_store(QuantStore::Native).per_tensor(ScaleDtype::F32);
    bytes.extend(1.0_f32.to_le_bytes());
    TensorData::from_bytes_vec(bytes, shape, DType::QFloat(scheme))
}

/// Checks that all scales are finite.
fn check(kind: BlockKind, bytes: &[u8]) -> Result<(), Failed> {
    let is_finite = bytes.chunks_exact(kind.bytes()).all(|block| kind.is_finite(block));
    if is_finite { Ok(()) } else { Err(Failed::NotFinite(f32::NAN)) }
}
