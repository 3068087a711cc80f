use burn::tensor::Tensor;

use crate::products::{TINY, dot};

/// Takes from `direction` what is perpendicular to it in `negative`, `weight` times; both are seen from the empty prompt.
///
/// The products are those of each image (ComfyUI's `perp_neg` takes them of the whole batch, so that images there depend on others).
///
/// # Shapes
///
/// - direction, negative: `[images, channels, height, width]`
/// - output: as direction
pub(crate) fn without_perpendicular(direction: Tensor<4>, negative: Tensor<4>, weight: f64) -> Tensor<4> {
    let along = dot(&negative, &direction) / dot(&direction, &direction).clamp_min(TINY);
    let perpendicular = negative - direction.clone() * along;
    direction - perpendicular * weight
}
