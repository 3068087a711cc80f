use burn::tensor::{Device, Tensor};

use super::factor::Factor;
use super::source::Source;
use crate::WeightsError;

/// A low-rank change as a product of its factors.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Product {
    /// One factor: LoRA (Hu et al. 2021, equation 3) and LoCon.
    One(Factor),
    /// Element by element: LoHa (Hyeon-Woo et al. 2022, proposition 1).
    Hadamard(Factor, Factor),
    /// Every element of the first times all of the second: LoKr (Edalati et al. 2022, equation 6).
    Kronecker(Factor, Factor),
}

impl Product {
    /// Returns the rank, if any factor has one.
    pub fn rank(&self, source: &Source) -> Option<usize> {
        match self {
            Self::One(one) => one.rank(source),
            Self::Hadamard(a, _) => a.rank(source),
            Self::Kronecker(a, b) => b.rank(source).or_else(|| a.rank(source)),
        }
    }

    /// Returns its rows and columns; `None` if the tensors do not fit each other.
    pub fn shape(&self, source: &Source) -> Option<[usize; 2]> {
        match self {
            Self::One(one) => one.is_sound(source).then(|| one.shape(source)),
            Self::Hadamard(a, b) => {
                let is_sound = a.is_sound(source) && b.is_sound(source) && a.shape(source) == b.shape(source);
                is_sound.then(|| a.shape(source))
            }
            Self::Kronecker(a, b) => {
                let is_sound = a.is_sound(source) && b.is_sound(source);
                let (a, b) = is_sound.then(|| (a.shape(source), b.shape(source)))?;
                Some([a[0] * b[0], a[1] * b[1]])
            }
        }
    }

    pub fn read(&self, source: &Source, device: &Device) -> Result<Tensor<2>, WeightsError> {
        match self {
            Self::One(one) => one.read(source, device),
            Self::Hadamard(a, b) => Ok(a.read(source, device)? * b.read(source, device)?),
            Self::Kronecker(a, b) => {
                let (a, b) = (a.read(source, device)?, b.read(source, device)?);
                let ([ra, ca], [rb, cb]) = (a.dims(), b.dims());
                Ok((a.reshape([ra, 1, ca, 1]) * b.reshape([1, rb, 1, cb])).reshape([ra * rb, ca * cb]))
            }
        }
    }
}
