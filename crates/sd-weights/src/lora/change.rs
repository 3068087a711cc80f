use burn::tensor::{Device, Tensor};

use super::Source;
use super::factor::Factor;
use crate::WeightsError;

/// What a LoRA file adds to one matrix or convolution, but for its scale.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Change {
    pub product: Product,
    /// The scale of the file's own, over the rank; without it the two are the same.
    pub alpha: Option<f64>,
    pub magnitude: Option<Magnitude>,
}

/// Lengths that parts of the changed matrix are brought to: DoRA (Liu et al. 2024, equation 5).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Magnitude {
    pub key: String,
    /// Whether a part is what belongs to an input, rather than to an output.
    pub is_of_inputs: bool,
}

/// How the change is made of its factors.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Product {
    /// Itself: LoRA (Hu et al. 2021, equation 3) and LoCon.
    One(Factor),
    /// Element by element: LoHa (Hyeon-Woo et al. 2022, proposition 1).
    Hadamard(Factor, Factor),
    /// Every number of the first times all of the second: LoKr (Edalati et al. 2022, equation 6).
    Kronecker(Factor, Factor),
}

impl Change {
    /// The rows and columns of the matrix it is for, or `None` where its tensors do not fit each other.
    pub fn shape(&self, source: &Source) -> Option<[usize; 2]> {
        let [rows, columns] = match &self.product {
            Product::One(one) => one.is_sound(source).then(|| one.shape(source))?,
            Product::Hadamard(a, b) => {
                let is_sound = a.is_sound(source) && b.is_sound(source) && a.shape(source) == b.shape(source);
                is_sound.then(|| a.shape(source))?
            }
            Product::Kronecker(a, b) => {
                let is_sound = a.is_sound(source) && b.is_sound(source);
                let (a, b) = is_sound.then(|| (a.shape(source), b.shape(source)))?;
                [a[0] * b[0], a[1] * b[1]]
            }
        };
        Some([rows, columns])
    }

    /// What to add to `weight` for this change at `scale`.
    ///
    /// # Shapes
    ///
    /// - weight: `[output, input · kernel]`
    /// - output: the same
    pub fn of(&self, weight: &Tensor<2>, scale: f64, source: &Source) -> Result<Tensor<2>, WeightsError> {
        let device = weight.device();
        let added = self.product.read(source, &device)? * (scale * self.strength(source));
        match &self.magnitude {
            None => Ok(added),
            Some(magnitude) => {
                let changed = weight.clone() + added;
                Ok(magnitude.apply(&changed, source)? - weight.clone())
            }
        }
    }

    /// The rank, if any factor has one.
    pub fn rank(&self, source: &Source) -> Option<usize> {
        match &self.product {
            Product::One(one) => one.rank(source),
            Product::Hadamard(a, _) => a.rank(source),
            Product::Kronecker(a, b) => b.rank(source).or_else(|| a.rank(source)),
        }
    }

    /// `alpha` over the rank.
    fn strength(&self, source: &Source) -> f64 {
        match (self.alpha, self.rank(source)) {
            (Some(alpha), Some(rank)) => alpha / rank as f64,
            _ => 1.0,
        }
    }
}

impl Product {
    fn read(&self, source: &Source, device: &Device) -> Result<Tensor<2>, WeightsError> {
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

impl Magnitude {
    /// Whether there is a length for each part of a weight of `shape`.
    pub fn fits(&self, shape: &[usize], source: &Source) -> bool {
        let parts = if self.is_of_inputs { shape.get(1).copied() } else { Some(shape[0]) };
        parts == Some(source.shape(&self.key).iter().product())
    }

    fn apply(&self, weight: &Tensor<2>, source: &Source) -> Result<Tensor<2>, WeightsError> {
        let [rows, columns] = weight.dims();
        let lengths = source.numbers(&self.key)?;
        let parts = lengths.len();
        let lengths = Tensor::<1>::from_floats(lengths.as_slice(), &weight.device()).reshape([1, parts, 1]);
        let shape = if self.is_of_inputs { [rows, parts, columns / parts] } else { [1, rows, columns] };
        let weight = weight.clone().reshape(shape);
        let found = weight.clone().square().sum_dim(0).sum_dim(2).sqrt();
        Ok((weight / found * lengths).reshape([rows, columns]))
    }
}
