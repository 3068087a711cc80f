use std::fmt;

use safetensors::Dtype;
use sd_quant::BlockKind;

/// How a file stores the values of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoredType {
    /// Each value as a number of this type.
    Plain(Dtype),
    /// Quantized, in blocks of neighbouring values.
    Blocks(BlockKind),
}

impl StoredType {
    /// Returns the size of so many values in bytes; `None` if it is too large, or for a part of a block.
    pub(crate) fn bytes(self, values: usize) -> Option<usize> {
        match self {
            Self::Plain(dtype) => values.checked_mul(dtype.bitsize() / 8),
            Self::Blocks(kind) if !values.is_multiple_of(kind.values()) => None,
            Self::Blocks(kind) => (values / kind.values()).checked_mul(kind.bytes()),
        }
    }
}

impl From<Dtype> for StoredType {
    fn from(dtype: Dtype) -> Self {
        Self::Plain(dtype)
    }
}

impl fmt::Display for StoredType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(dtype) => f.write_str(&format!("{dtype:?}").to_lowercase()),
            Self::Blocks(kind) => kind.fmt(f),
        }
    }
}
