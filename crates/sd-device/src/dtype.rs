use std::fmt;

use burn::tensor::FloatDType;

/// The precision of the networks' weights and arithmetic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DType {
    /// Single precision.
    F32,
    /// Half precision, with half the memory. The autoencoder stays in single precision if its config requires it. On
    /// processors, only the weights are in half precision.
    F16,
    /// Half precision with the range of single precision. On processors, only the weights are in half precision, and the
    /// autoencoder stays in single precision. Where it is faster, on AMD's processors with AVX-512 BF16 and on Intel's with
    /// AMX, the inputs of matrix products are rounded too; with AMX, those of the autoencoder as well.
    BF16,
}

impl DType {
    /// Returns the corresponding type of Burn.
    pub fn float(self) -> FloatDType {
        match self {
            Self::F32 => FloatDType::F32,
            Self::F16 => FloatDType::F16,
            Self::BF16 => FloatDType::BF16,
        }
    }

    /// Bytes per value.
    pub fn bytes(self) -> usize {
        if self == Self::F32 { 4 } else { 2 }
    }
}

/// `f32`, `f16` or `bf16`.
impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::BF16 => "bf16",
        })
    }
}
