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

    /// Keeps values in single precision in half precision, if the device has it: then each row is a band.
    ///
    /// They are divided by the root of their mean square. No value exceeds that by more than the root of their number, so none
    /// overflows. A row of the next map fits exactly where one of this map was, whatever the heights of their bands: whole bands
    /// took a quarter more memory.
    pub fn halved(values: Tensor<4>, moments: &Moments) -> Vec<Self> {
        if values.dtype() != DType::F32 || !values.device().supports_dtype(FloatDType::F16) {
            return vec![Self::whole(values)];
        }
        let scale = moments.root_mean_square().clamp_min(f32::MIN_POSITIVE);
        let values = values / scale.clone().reshape([1, 1, 1, 1]);
        let row = |row: usize| {
            // Cast by itself: a slice of all rows in half precision would hold the memory of all.
            let values = values.clone().slice_dim(2, row..row + 1).cast(DType::F16);
            Self { values, scale: Some(scale.clone()) }
        };
        (0..values.dims()[2]).map(row).collect()
    }

    /// The number of its rows.
    pub fn height(&self) -> usize {
        self.values.dims()[2]
    }

    /// Returns some of its rows.
    pub fn rows(&self, rows: Range<usize>) -> Tensor<4> {
        let all = 0..self.height();
        let values = self.values.clone();
        let values = if rows == all { values } else { values.slice_dim(2, rows) };
        match &self.scale {
            Some(scale) => values.cast(DType::F32) * scale.clone().reshape([1, 1, 1, 1]),
            None => values,
        }
    }
}
