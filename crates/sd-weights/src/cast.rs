use burn::tensor::{Element, FloatDType, TensorData};
use bytemuck::Pod;
use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};

/// Numbers of a precision that a network's tensors may have.
pub(crate) trait Number: Element + Pod + Send + Sync {
    /// Fills `to` with numbers that `widen` gives in single precision; `wide` is memory for as many.
    fn fill(to: &mut [Self], wide: &mut [f32], widen: impl FnOnce(&mut [f32]));

    fn is_finite(self) -> bool;

    /// A number that is not finite, if there is one.
    fn check(numbers: &[Self]) -> Result<(), f32> {
        // Without an early exit, so that the compiler vectorises it.
        if numbers.iter().fold(true, |all, n| all & n.is_finite()) {
            return Ok(());
        }
        Err(numbers.iter().find(|n| !n.is_finite()).map_or(f32::NAN, |n| n.elem()))
    }
}

impl Number for f32 {
    fn fill(to: &mut [Self], _wide: &mut [f32], widen: impl FnOnce(&mut [f32])) {
        widen(to);
    }

    fn is_finite(self) -> bool {
        Self::is_finite(self)
    }
}

macro_rules! halves {
    ($($half:ty)*) => {$(
        impl Number for $half {
            fn fill(to: &mut [Self], wide: &mut [f32], widen: impl FnOnce(&mut [f32])) {
                widen(wide);
                to.convert_from_f32_slice(wide);
            }

            fn is_finite(self) -> bool {
                Self::is_finite(self)
            }
        }
    )*};
}

halves! { f16 bf16 }

/// Numbers as tensor data of a precision, or one that is not finite there.
pub(crate) fn tensor_data(mut numbers: Vec<f32>, dtype: FloatDType, shape: &[usize]) -> Result<TensorData, f32> {
    fn of<N: Number>(wide: &mut [f32], shape: &[usize]) -> Result<TensorData, f32> {
        let mut numbers = vec![N::zeroed(); wide.len()];
        N::fill(&mut numbers, wide, |_| {});
        N::check(&numbers)?;
        Ok(TensorData::new(numbers, shape))
    }
    match dtype {
        FloatDType::F16 => of::<f16>(&mut numbers, shape),
        FloatDType::BF16 => of::<bf16>(&mut numbers, shape),
        _ => f32::check(&numbers).map(|()| TensorData::new(numbers, shape)),
    }
}
