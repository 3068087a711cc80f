use burn::tensor::{Element, FloatDType, TensorData};
use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};

use crate::parts::in_parts;

/// Numbers as tensor data of a precision, or the first that is not finite there.
pub(crate) fn tensor_data(numbers: Vec<f32>, dtype: FloatDType, shape: &[usize]) -> Result<TensorData, f32> {
    match dtype {
        FloatDType::F16 => {
            let mut halves = vec![f16::ZERO; numbers.len()];
            halves.convert_from_f32_slice(&numbers);
            finite(halves, shape)
        }
        FloatDType::BF16 => {
            let mut halves = vec![bf16::ZERO; numbers.len()];
            halves.convert_from_f32_slice(&numbers);
            finite(halves, shape)
        }
        _ => finite(numbers, shape),
    }
}

fn finite<T: Element>(mut numbers: Vec<T>, shape: &[usize]) -> Result<TensorData, f32> {
    let is_finite = |n: &T| n.elem::<f32>().is_finite();
    // By blocks without an early exit, which the compiler vectorises.
    let is_finite_block = |block: &&[T]| block.iter().fold(true, |all, n| all & is_finite(n));
    in_parts(&mut numbers, |_, part| match part.chunks(4096).find(|block| !is_finite_block(block)) {
        None => Ok(()),
        Some(block) => Err(block.iter().find(|n| !is_finite(n)).map_or(f32::NAN, |n| n.elem())),
    })?;
    Ok(TensorData::new(numbers, shape))
}
