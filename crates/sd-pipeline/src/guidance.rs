use burn::tensor::{DType, Tensor};
use sd_unet::Unet;

use crate::prompt::Conditions;

/// The U-Net's prediction for images, guided away from the negative prompt (Ho & Salimans 2022, equation 6).
///
/// # Shapes
///
/// - x: `[images, channels, height, width]`, single precision
/// - output: as x
///
/// With one row of conditions for each image the network runs on those alone; with two, on both at once.
pub(crate) fn predict(unet: &Unet, conditions: &Conditions, guidance: f64, x: Tensor<4>, t: f64) -> Tensor<4> {
    let ([rows, ..], [images, ..]) = (conditions.context.dims(), x.dims());
    let x = Tensor::cat(vec![x; rows / images], 0).cast(conditions.context.dtype());
    let output = unet.forward(x, &vec![t; rows], conditions.context.clone(), conditions.added.as_ref());
    let mut outputs = output.cast(DType::F32).chunk(rows / images, 0);
    let prompted = outputs.pop().expect("rows for the prompts");
    match outputs.pop() {
        Some(negative) => negative.clone() + (prompted - negative) * guidance,
        None => prompted,
    }
}
