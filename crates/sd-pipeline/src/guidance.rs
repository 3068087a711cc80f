use burn::tensor::{DType, Tensor};
use sd_unet::Unet;

use crate::prompt::Conditions;

/// The U-Net's prediction for a picture, guided away from the negative prompt (Ho & Salimans 2022, equation 6).
///
/// # Shapes
///
/// - x: `[1, channels, height, width]`, single precision
/// - output: as x
///
/// With one row of conditions the network runs on that alone; with two, on both at once.
pub(crate) fn predict(unet: &Unet, conditions: &Conditions, guidance: f64, x: Tensor<4>, t: f64) -> Tensor<4> {
    let [rows, ..] = conditions.context.dims();
    let x = Tensor::cat(vec![x; rows], 0).cast(conditions.context.dtype());
    let output = unet.forward(x, &vec![t; rows], conditions.context.clone(), conditions.added.as_ref());
    let mut outputs = output.cast(DType::F32).chunk(rows, 0);
    let prompted = outputs.pop().expect("a row for the prompt");
    match outputs.pop() {
        Some(negative) => negative.clone() + (prompted - negative) * guidance,
        None => prompted,
    }
}
