use std::ops::Range;

use burn::config::Config;
use burn::tensor::{Int, Tensor, TensorData};
use sd_vae::{AutoencoderKl, Posterior};

use crate::objective::mean_of_each;
use crate::random::{Purpose, normals};
use crate::{Order, Task};

/// How an image and its reconstruction are compared.
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub enum Distance {
    /// The mean absolute difference: gives sharper edges.
    L1,
    /// The mean squared difference.
    L2,
}

/// How an autoencoder is trained.
#[derive(Config, Debug, Copy, PartialEq)]
pub struct AutoencodingConfig {
    /// Seed of the order of the images and of the latents' noise.
    pub seed: u64,
    /// The distance between an image and its reconstruction.
    pub distance: Distance,
    /// Weight of the divergence of the latents from the standard normal distribution, a mean over latents, beside the
    /// distance, a mean over pixels. Rombach et al. 2022 take sums and the weight 1e-6. In these means that is 2e-8 for
    /// four channels of latents eight times smaller than the image, and 8e-8 for four times smaller ones.
    pub kl_weight: f64,
}

/// Trains an autoencoder to reconstruct images from latents, each drawn from a narrow distribution (Kingma & Welling
/// 2014, equation 10; the KL-regularised one of Rombach et al. 2022).
#[derive(Debug, Clone)]
pub struct Autoencoding {
    images: Tensor<4>,
    order: Order,
    config: AutoencodingConfig,
}

/// The images of one pass, `[draws, channels, height, width]`, and the numbers of their draws.
#[derive(Debug, Clone)]
pub struct AutoencodingBatch {
    images: Tensor<4>,
    draws: Range<u64>,
}

impl Autoencoding {
    /// Trains on images, in the model's precision.
    ///
    /// # Shapes
    ///
    /// - images: `[images, 3, height, width]`, from −1 to 1
    ///
    /// # Panics
    ///
    /// Panics if there are no images.
    pub fn new(images: Tensor<4>, config: AutoencodingConfig) -> Self {
        let order = Order::new(images.dims()[0], config.seed);
        Self { images, order, config }
    }
}

impl Task<AutoencoderKl> for Autoencoding {
    type Batch = AutoencodingBatch;

    fn batch(&self, draws: Range<u64>) -> AutoencodingBatch {
        AutoencodingBatch { images: select(&self.images, &self.order.images(draws.clone())), draws }
    }

    fn losses(&self, model: &AutoencoderKl, batch: &AutoencodingBatch) -> Tensor<1> {
        let posterior = model.encode(batch.images.clone());
        let (mean, std) = (posterior.mean(), posterior.std());
        let [_, channels, height, width] = mean.dims();
        let shape = [channels, height, width];
        let draws = batch.draws.clone();
        let eps = normals(self.config.seed, Purpose::Posterior, draws, shape, &mean.device(), mean.dtype());
        let difference = model.decode(mean + std * eps) - batch.images.clone();
        let difference = match self.config.distance {
            Distance::L1 => difference.abs(),
            Distance::L2 => difference.square(),
        };
        mean_of_each(difference) + divergence(&posterior, model.config().scaling_factor) * self.config.kl_weight
    }
}

/// The Kullback–Leibler divergence of each image's latents from the standard normal distribution, per latent: `[batch]`.
///
/// It is the mean of `(mean² + std² − 1)/2 − ln std` of the latents before their scaling factor, `scale`.
fn divergence(posterior: &Posterior, scale: f64) -> Tensor<1> {
    let (mean, std) = (posterior.mean() / scale, posterior.std() / scale);
    mean_of_each((mean.square() + std.clone().square() - 1.0) / 2.0 - std.log())
}

/// Returns the images at `indices`, in that order.
pub(crate) fn select(images: &Tensor<4>, indices: &[usize]) -> Tensor<4> {
    let indices: Vec<i32> = indices.iter().map(|&i| i as i32).collect();
    let count = indices.len();
    images.clone().select(0, Tensor::<1, Int>::from_data(TensorData::new(indices, [count]), &images.device()))
}

#[cfg(test)]
mod tests {
    use burn::tensor::{DType, Device};
    use sd_vae::AutoencoderKlConfig;

    use super::*;
    use crate::initialise;

    /// Against `(mean² + std² − 1 − ln std²)/2`, value by value, with the sizes of a random network.
    #[test]
    fn the_divergence_is_that_of_the_unscaled_latents() {
        let config =
            AutoencoderKlConfig { block_out_channels: vec![4], norm_num_groups: 2, ..AutoencoderKlConfig::sd() };
        let image = Tensor::ones([1, 3, 2, 2], &Device::flex()) * 0.5;
        let posterior = initialise(config.init(&Device::flex()), 1).encode(image);
        let read = |tensor: Tensor<4>| tensor.cast(DType::F64).into_data().try_to_vec::<f64>().unwrap();
        let (means, stds) = (read(posterior.mean()), read(posterior.std()));
        let each = means.iter().zip(&stds).map(|(mean, std)| {
            let (mean, variance) = (mean / 0.18215, (std / 0.18215).powi(2));
            (mean * mean + variance - 1.0 - variance.ln()) / 2.0
        });
        let expected = each.sum::<f64>() / means.len() as f64;
        let found = divergence(&posterior, 0.18215).into_scalar::<f64>();
        assert!(expected > 1e-3 && (found / expected - 1.0).abs() < 1e-4, "{found} {expected}");
    }
}
