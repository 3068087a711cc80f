use std::ops::Range;

use burn::tensor::{DType, Device, Tensor, TensorData};
use sd_unet::{Conditions, ControlNet, Hint};
use serde_json::Value;

use super::diffusion::{Diffusion, DiffusionBatch};
use super::text_to_latents::TextToLatents;
use crate::Task;

/// Trains a ControlNet to steer a diffusion model that stays as it is (Zhang et al. 2023, section 3.3): to predict the noise
/// in latents, given their text and a condition image.
#[derive(Debug, Clone)]
pub struct Controlling {
    diffusion: Diffusion,
    networks: TextToLatents,
    hints: Hints,
}

/// The condition images of all latents, as bytes: in single precision they would take four times the memory.
#[derive(Debug, Clone)]
pub struct Hints {
    /// Red, green and blue of each pixel, row by row, image after image.
    pub rgb: Vec<u8>,
    /// Width of each image, in pixels.
    pub width: usize,
    /// Height of each image, in pixels.
    pub height: usize,
}

/// The input of one pass through the networks.
#[derive(Debug, Clone)]
pub struct ControllingBatch {
    draws: DiffusionBatch,
    /// `[draws, 3, height, width]`, from 0 to 1.
    hints: Tensor<4>,
}

impl Controlling {
    /// Trains on the latents and captions of `diffusion`, with a condition image for each.
    ///
    /// `networks` are the model that is steered. Give them without autodiff, so that no gradients of its weights are computed:
    /// those of the ControlNet pass through the way up of the U-Net alone.
    ///
    /// # Panics
    ///
    /// Panics if there are not as many condition images as latents.
    pub fn new(diffusion: Diffusion, networks: TextToLatents, hints: Hints) -> Self {
        let (found, expected) = (hints.len(), diffusion.images());
        assert_eq!(found, expected, "{found} condition images for {expected} latents");
        Self { diffusion, networks, hints }
    }
}

impl Hints {
    /// Number of images.
    ///
    /// # Panics
    ///
    /// Panics if the bytes are no whole number of images.
    pub fn len(&self) -> usize {
        let (bytes, each) = (self.rgb.len(), 3 * self.width * self.height);
        assert!(each > 0 && bytes.is_multiple_of(each), "{bytes} bytes are no images of {each}");
        bytes / each
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rgb.is_empty()
    }

    /// Returns some of the images, in the order of their indices.
    ///
    /// # Shapes
    ///
    /// - output: `[images, 3, height, width]`, from 0 to 1
    pub fn tensor(&self, images: &[usize], device: &Device, dtype: DType) -> Tensor<4> {
        let each = 3 * self.width * self.height;
        let mut values = Vec::with_capacity(images.len() * each);
        for &image in images {
            let rgb = &self.rgb[image * each..(image + 1) * each];
            values.extend(
                (0..3).flat_map(|colour| rgb.iter().skip(colour).step_by(3).map(|&byte| f32::from(byte) / 255.0)),
            );
        }
        Tensor::from_data(TensorData::new(values, [images.len(), 3, self.height, self.width]), (device, dtype))
    }
}

impl Task<ControlNet> for Controlling {
    type Batch = ControllingBatch;

    fn batch(&self, draws: Range<u64>) -> ControllingBatch {
        let draws = Task::<TextToLatents>::batch(&self.diffusion, draws);
        let x = &draws.draws.x;
        let hints = self.hints.tensor(&draws.draws.images, &x.device(), x.dtype());
        ControllingBatch { draws, hints }
    }

    fn losses(&self, control: &ControlNet, batch: &ControllingBatch) -> Tensor<1> {
        let DiffusionBatch { draws, captions, .. } = &batch.draws;
        let (x, t) = (draws.x.clone(), &draws.times);
        let conditions =
            Conditions::new(self.diffusion.encoded(captions, &|captions| self.networks.encode(captions)).states);
        let hint = Hint::new(control.embed(batch.hints.clone()));
        let residuals = control.forward(x.clone(), t, &conditions, &[hint]);
        let predicted = self.networks.unet.forward(x, t, &conditions.with_residuals(residuals));
        self.diffusion.losses_of(draws, predicted)
    }

    fn observe(&mut self, batch: &ControllingBatch, losses: &[f64]) {
        Task::<TextToLatents>::observe(&mut self.diffusion, &batch.draws, losses);
    }

    fn state(&self) -> Value {
        Task::<TextToLatents>::state(&self.diffusion)
    }

    fn restore(&mut self, state: Value) -> Result<(), serde_json::Error> {
        Task::<TextToLatents>::restore(&mut self.diffusion, state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_planes_from_zero_to_one() {
        let hints = Hints { rgb: vec![0, 51, 255, 102, 0, 0, 255, 0, 51, 0, 0, 204], width: 2, height: 1 };
        assert_eq!(hints.len(), 2);
        let found = hints.tensor(&[1, 0], &Device::flex(), DType::F32);
        assert_eq!(found.dims(), [2, 3, 1, 2]);
        let expected = [1.0, 0.0, 0.0, 0.0, 0.2, 0.8, 0.0, 0.4, 0.2, 0.0, 1.0, 0.0];
        assert_eq!(found.into_data().try_to_vec::<f32>().unwrap(), expected);
    }
}
