use burn::tensor::{Element, FloatDType, TensorData};
use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use safetensors::Dtype;

/// Numbers in one of the precisions of a checkpoint, as they lie in the file.
pub(crate) enum Raw {
    F32(Vec<f32>),
    F16(Vec<f16>),
    BF16(Vec<bf16>),
}

impl Raw {
    /// Room for `count` numbers; nothing for a type that holds no weights.
    pub fn new(dtype: Dtype, count: usize) -> Option<Self> {
        match dtype {
            Dtype::F32 => Some(Self::F32(vec![0.0; count])),
            Dtype::F16 => Some(Self::F16(vec![f16::ZERO; count])),
            Dtype::BF16 => Some(Self::BF16(vec![bf16::ZERO; count])),
            _ => None,
        }
    }

    /// Its bytes, to be read into. Checkpoints are little-endian, as are all machines this runs on.
    pub fn bytes(&mut self) -> &mut [u8] {
        match self {
            Self::F32(numbers) => bytemuck::cast_slice_mut(numbers),
            Self::F16(numbers) => bytemuck::cast_slice_mut(numbers),
            Self::BF16(numbers) => bytemuck::cast_slice_mut(numbers),
        }
    }

    /// The numbers in single precision.
    pub fn into_f32(self) -> Vec<f32> {
        match self {
            Self::F32(numbers) => numbers,
            Self::F16(numbers) => converted(numbers.len(), |wide| numbers.convert_to_f32_slice(wide)),
            Self::BF16(numbers) => converted(numbers.len(), |wide| numbers.convert_to_f32_slice(wide)),
        }
    }

    /// The numbers as tensor data of another precision, or the first that is not finite there.
    pub fn cast(self, dtype: FloatDType, shape: &[usize]) -> Result<TensorData, f32> {
        match (dtype, self) {
            (FloatDType::F16, Self::F16(numbers)) => finite(numbers, shape),
            (FloatDType::F16, other) => {
                let wide = other.into_f32();
                finite::<f16>(converted(wide.len(), |halves: &mut [f16]| halves.convert_from_f32_slice(&wide)), shape)
            }
            (FloatDType::BF16, Self::BF16(numbers)) => finite(numbers, shape),
            (FloatDType::BF16, other) => {
                let wide = other.into_f32();
                finite::<bf16>(converted(wide.len(), |halves: &mut [bf16]| halves.convert_from_f32_slice(&wide)), shape)
            }
            (_, other) => finite(other.into_f32(), shape),
        }
    }
}

fn converted<T: Default + Clone>(count: usize, fill: impl FnOnce(&mut [T])) -> Vec<T> {
    let mut numbers = vec![T::default(); count];
    fill(&mut numbers);
    numbers
}

/// Tensor data, or the first number that is not finite.
fn finite<T: Element>(numbers: Vec<T>, shape: &[usize]) -> Result<TensorData, f32> {
    let is_finite = |n: &T| n.elem::<f32>().is_finite();
    // By blocks without an early exit, which the compiler vectorises.
    let is_finite_block = |block: &&[T]| block.iter().fold(true, |all, n| all & is_finite(n));
    match numbers.chunks(4096).find(|block| !is_finite_block(block)) {
        None => Ok(TensorData::new(numbers, shape)),
        Some(block) => Err(block.iter().find(|n| !is_finite(n)).map_or(f32::NAN, |n| n.elem::<f32>())),
    }
}
