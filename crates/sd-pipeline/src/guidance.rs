use burn::tensor::Tensor;
use sd_unet::Conditions;

use sd_model::Backbone;

/// Predicts with the backbone and guides the prediction away from the negative prompt (Ho & Salimans 2022, equation 6).
///
/// # Shapes
///
/// - x: `[images, channels, height, width]`, single precision
/// - output: as x
///
/// With one row of conditions for each image, or none, there is no guidance; with two, the backbone runs on both at once.
pub(crate) fn predict(
    backbone: &dyn Backbone,
    conditions: Option<&Conditions>,
    guidance: f64,
    x: Tensor<4>,
    t: f64,
) -> Tensor<4> {
    let [images, ..] = x.dims();
    let rows = conditions.map_or(images, |conditions| conditions.context.dims()[0]);
    let x = Tensor::cat(vec![x; rows / images], 0);
    let mut outputs = backbone.predict(x, &vec![t; rows], conditions).chunk(rows / images, 0);
    let prompted = outputs.pop().expect("rows for the prompts");
    match outputs.pop() {
        Some(negative) => negative.clone() + (prompted - negative) * guidance,
        None => prompted,
    }
}
