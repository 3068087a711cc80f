use burn::tensor::Tensor;

/// The prediction for a prompt that belongs to a region of the image.
#[derive(Debug, Clone)]
pub struct Region {
    /// `[images, channels, height, width]`.
    pub prediction: Tensor<4>,
    /// Where it holds, from 0 to 1: `[images, 1, height, width]`.
    pub mask: Tensor<4>,
    /// Its weight against the base and other regions, 0 at least.
    pub weight: f64,
}

/// Blends the predictions of regions into that of the whole image, the base.
///
/// At each place a region counts `weight·mask`, and the base what is left up to 1; the sum is divided by the total. Without regions the
/// base comes back as it is.
///
/// # Shapes
///
/// - base: `[images, channels, height, width]`
/// - output: as base
pub fn blend(base: Tensor<4>, regions: Vec<Region>) -> Tensor<4> {
    let weights = |region: &Region| region.mask.clone() * region.weight;
    let Some(sum) = regions.iter().map(weights).reduce(|sum, weight| sum + weight) else { return base };
    let left = (sum.clone().neg() + 1.0).clamp_min(0.0);
    let total = sum + left.clone();
    let blended = regions.into_iter().fold(base * left, |blended, region| {
        let weight = weights(&region);
        blended + region.prediction * weight
    });
    blended / total
}
