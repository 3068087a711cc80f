use burn::tensor::{DType, Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::Error;

/// The values of an image before it is decoded, or of the noise it starts from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Latents {
    /// Row by row, channel by channel.
    pub values: Vec<f32>,
    /// `[1, channels, height/8, width/8]`; `[1, 3, height, width]` where the model works on pixels.
    pub shape: [usize; 4],
}

impl Latents {
    /// Reads the latents from a tensor.
    pub(crate) fn read(x: Tensor<4>) -> Result<Self, Error> {
        let shape = x.dims();
        Ok(Self { values: values(x)?, shape })
    }

    /// Converts to a tensor in single precision.
    pub(crate) fn tensor(&self, device: &Device) -> Tensor<4> {
        Tensor::from_data(TensorData::new(self.values.clone(), self.shape), (device, DType::F32))
    }
}

/// Copies a tensor's values to the host.
pub(crate) fn values(x: Tensor<4>) -> Result<Vec<f32>, Error> {
    let data = x.cast(DType::F32).try_into_data().map_err(Error::backend)?;
    data.try_to_vec().map_err(Error::backend)
}
