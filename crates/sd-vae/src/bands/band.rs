use std::ops::Range;

use burn::tensor::{DType, FloatDType, Tensor};
use sd_ops::Moments;

/// Some rows of a map between two layers.
#[derive(Debug)]
pub(crate) struct Band {
    /// `[1, channels, rows, width]`, divided by the scale if there is one.
    values: Tensor<4>,
    scale: Option<Tensor<1>>,
}

impl Band {
    /// Keeps the values as they are.
    pub fn whole(values: Tensor<4>) -> Self {
        Self { values, scale: None }
    }

    /// Keeps values in single precision in half precision, if the device has it.
    ///
    /// They are divided by the root of their mean square. No value exceeds that by more than the root of their number, so none
    /// overflows.
    pub fn halved(values: Tensor<4>, moments: &Moments) -> Self {
        if values.dtype() != DType::F32 || !values.device().supports_dtype(FloatDType::F16) {
            return Self::whole(values);
        }
        let scale = moments.root_mean_square().clamp_min(f32::MIN_POSITIVE);
        let values = (values / scale.clone().reshape([1, 1, 1, 1])).cast(DType::F16);
        Self { values, scale: Some(scale) }
    }

    /// Returns some of its rows.
    pub fn rows(&self, rows: Range<usize>) -> Tensor<4> {
        let all = 0..self.values.dims()[2];
        let values = self.values.clone();
        let values = if rows == all { values } else { values.slice_dim(2, rows) };
        match &self.scale {
            Some(scale) => values.cast(DType::F32) * scale.clone().reshape([1, 1, 1, 1]),
            None => values,
        }
    }
}
