use burn::tensor::Tensor;

/// Halvings of the range: after them it holds one number of single precision, down to 2⁻³² of the largest.
const HALVINGS: usize = 32;

/// The quantile `q` of each channel's values, none below 0, interpolated between two of them as `torch.quantile` does.
///
/// It sorts nothing and reads nothing back: it halves the range where the value must be, and then takes the values beside it.
///
/// # Shapes
///
/// - values: `[images, channels, height, width]`
/// - output: `[images, channels, 1, 1]`
pub(crate) fn quantile(values: Tensor<4>, q: f64) -> Tensor<4> {
    let shape = values.dims();
    let position = q * (shape[2] * shape[3] - 1) as f64;
    let (rank, rest) = (position.floor(), position.fract());
    let largest = values.clone().max_dims(&[2, 3]);
    if q == 1.0 {
        return largest;
    }
    let (mut low, mut high) = (largest.zeros_like(), largest);
    for _ in 0..HALVINGS {
        let middle = (low.clone() + high.clone()) / 2.0;
        // `rank` values may be smaller than the wanted one.
        let is_enough = up_to(&values, &middle).greater_scalar(rank + 0.5);
        high = high.mask_where(is_enough.clone(), middle.clone());
        low = middle.mask_where(is_enough, low);
    }
    let is_above = values.clone().greater(high.clone().expand(shape));
    let lower = values.clone().mask_fill(is_above.clone(), 0.0).max_dims(&[2, 3]);
    if rest == 0.0 {
        return lower;
    }
    let next = values.clone().mask_fill(is_above.bool_not(), f32::MAX).min_dim(2).min_dim(3);
    let is_repeated = up_to(&values, &high).greater_scalar(rank + 1.5);
    let upper = next.mask_where(is_repeated, lower.clone());
    lower.clone() + (upper - lower) * rest
}

/// How many values of each channel are at most `bound`.
fn up_to(values: &Tensor<4>, bound: &Tensor<4>) -> Tensor<4> {
    let is_above = values.clone().greater(bound.clone().expand(values.dims()));
    values.ones_like().mask_fill(is_above, 0.0).sum_dims(&[2, 3])
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    /// Sorted on the host.
    fn expected(mut values: Vec<f32>, q: f64) -> f64 {
        values.sort_by(f32::total_cmp);
        let position = q * (values.len() - 1) as f64;
        let (lower, upper) = (values[position.floor() as usize], values[position.ceil() as usize]);
        f64::from(lower) + f64::from(upper - lower) * position.fract()
    }

    #[test]
    fn quantiles_are_those_of_the_sorted_values_also_where_values_repeat() {
        let channels = [
            vec![0.3, 0.1, 0.7, 0.2, 0.9, 0.4],
            vec![0.5, 0.5, 0.5, 2.0, 2.0, 1.0],
            vec![0.0, 0.0, 0.0, 0.0, 0.0, 8.0],
            vec![0.0; 6],
            vec![1e-6, 2e-6, 3e-6, 4e-6, 5e-6, 1000.0],
        ];
        let values = Tensor::from_data(TensorData::new(channels.concat(), [1, 5, 2, 3]), &Device::flex());
        for q in [0.001, 0.1, 0.2, 0.5, 0.55, 0.6, 0.8, 0.99, 1.0] {
            let found = quantile(values.clone(), q).into_data().convert::<f64>().try_to_vec::<f64>().unwrap();
            for (found, channel) in found.iter().zip(&channels) {
                let wanted = expected(channel.clone(), q);
                // The range that is halved ends at the largest value.
                let largest = f64::from(channel.iter().copied().fold(0.0, f32::max));
                assert!((found - wanted).abs() <= largest * 1e-7, "{q} of {channel:?}: {found}, not {wanted}");
            }
        }
    }

    #[test]
    fn the_quantile_of_one_value_is_that_value() {
        let value = Tensor::from_data(TensorData::new(vec![0.7f32], [1, 1, 1, 1]), &Device::flex());
        assert_eq!(quantile(value, 0.4).into_scalar::<f32>(), 0.7);
    }
}
