use burn::tensor::Tensor;

use crate::products::{TINY, dot};

/// Gives a share of the guided prediction the standard deviation of the prompt's, image by image (Lin et al. 2023, section 3.4;
/// `rescale_noise_cfg` of diffusers).
///
/// # Shapes
///
/// - guided, prompt: `[images, channels, height, width]`
/// - output: as guided
pub(crate) fn rescale(guided: Tensor<4>, prompt: &Tensor<4>, share: f64) -> Tensor<4> {
    if share == 0.0 {
        return guided;
    }
    // Both have as many values, so the ratio of their deviations is the same whether biased or not.
    let ratio = ((squares(prompt) + TINY) / (squares(&guided) + TINY)).sqrt();
    guided * (ratio * share + (1.0 - share))
}

/// The sum of squares about the mean, `[images, 1, 1, 1]`.
fn squares(x: &Tensor<4>) -> Tensor<4> {
    let centred = x.clone() - x.clone().mean_dims(&[1, 2, 3]);
    dot(&centred, &centred)
}
