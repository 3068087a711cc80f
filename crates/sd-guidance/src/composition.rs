use burn::tensor::Tensor;

/// The prediction for a part of a prompt, joined with others by `AND` in AUTOMATIC1111's grammar.
#[derive(Debug, Clone)]
pub struct Part {
    /// `[images, channels, height, width]`.
    pub prediction: Tensor<4>,
    /// Its weight; 1 if none is written, and below 0 for what the image should not show.
    pub weight: f64,
}

/// Whether a prompt with parts of these weights is more than one part of weight 1. Only then its parts are seen from the negative
/// prompt, also without guidance.
pub fn is_composed(weights: impl IntoIterator<Item = f64>) -> bool {
    !weights.into_iter().eq([1.0])
}

/// The one prediction of all parts, `from + Σ weight·(part − from)` (Liu et al. 2022; `combine_denoised` of AUTOMATIC1111).
/// A single part of weight 1 comes back as it is.
///
/// # Panics
///
/// Panics if a composed prompt has nothing to be seen from.
pub(crate) fn compose(from: Option<&Tensor<4>>, mut parts: Vec<Part>) -> Tensor<4> {
    if !is_composed(parts.iter().map(|part| part.weight)) {
        return parts.remove(0).prediction;
    }
    let from = from.expect("a prediction for what a composed prompt is seen from");
    let directions = parts.into_iter().map(|part| (part.prediction - from.clone()) * part.weight);
    directions.fold(from.clone(), |sum, direction| sum + direction)
}
