use burn::tensor::{Element, FloatDType, TensorData};
use bytemuck::Pod;
use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};

/// A type of the values of a network's tensors.
pub(crate) trait Scalar: Element + Pod + Send + Sync {
    /// Fills `to` with the single-precision values that `widen` writes; `wide` is a buffer for as many.
    fn fill(to: &mut [Self], wide: &mut [f32], widen: impl FnOnce(&mut [f32]));

    fn is_finite(self) -> bool;

    /// Returns a value that is not finite as an error.
    fn check(values: &[Self]) -> Result<(), f32> {
        // Without an early exit, so that the compiler vectorises it.
        if values.iter().fold(true, |all, value| all & value.is_finite()) {
            return Ok(());
        }
        Err(values.iter().find(|value| !value.is_finite()).map_or(f32::NAN, |value| value.elem()))
    }
}

impl Scalar for f32 {
    fn fill(to: &mut [Self], _wide: &mut [f32], widen: impl FnOnce(&mut [f32])) {
        widen(to);
    }

    fn is_finite(self) -> bool {
        Self::is_finite(self)
    }
}

macro_rules! halves {
    ($($half:ty)*) => {$(
        impl Scalar for $half {
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

/// Casts values to tensor data of a precision; the error is a value that is not finite there.
pub(crate) fn tensor_data(mut values: Vec<f32>, dtype: FloatDType, shape: &[usize]) -> Result<TensorData, f32> {
    fn cast<S: Scalar>(wide: &mut [f32], shape: &[usize]) -> Result<TensorData, f32> {
        let mut values = vec![S::zeroed(); wide.len()];
        S::fill(&mut values, wide, |_| {});
        S::check(&values)?;
        Ok(TensorData::new(values, shape))
    }
    match dtype {
        FloatDType::F16 => cast::<f16>(&mut values, shape),
        FloatDType::BF16 => cast::<bf16>(&mut values, shape),
        _ => f32::check(&values).map(|()| TensorData::new(values, shape)),
    }
}

/// Returns the name of a precision in files and messages.
pub(crate) fn dtype_name(dtype: FloatDType) -> &'static str {
    match dtype {
        FloatDType::F16 => "f16",
        FloatDType::BF16 => "bf16",
        _ => "f32",
    }
}
