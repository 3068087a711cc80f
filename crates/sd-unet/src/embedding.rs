use burn::nn::{Linear, LinearConfig};
use burn::prelude::*;
use burn::tensor::activation::silu;

/// Numbers as `width` sinusoids each, cosines first (Vaswani et al. 2017, section 3.5; Ho et al. 2020).
///
/// Output: `[numbers, width]`. Rounded to f32 where the reference does, because a timestep near 1000 times a
/// frequency, once rounded, is what networks were trained on.
pub(crate) fn sinusoids(numbers: &[f64], width: usize, device: &Device) -> Tensor<2> {
    let half = width / 2;
    let frequency = |i: usize| (-(10000.0_f64.ln()) * i as f64 / half as f64).exp() as f32;
    let mut table = Vec::with_capacity(numbers.len() * 2 * half);
    for &number in numbers {
        let angles: Vec<f64> = (0..half).map(|i| f64::from(number as f32 * frequency(i))).collect();
        table.extend(angles.iter().map(|angle| angle.cos() as f32));
        table.extend(angles.iter().map(|angle| angle.sin() as f32));
    }
    Tensor::from_data(TensorData::new(table, [numbers.len(), 2 * half]), device)
}

/// The two layers that turn sinusoids (or other conditions) into a vector for the residual blocks.
#[derive(Module, Debug)]
pub(crate) struct TimestepEmbedding {
    linear_1: Linear,
    linear_2: Linear,
}

impl TimestepEmbedding {
    pub fn new(input: usize, output: usize, device: &Device) -> Self {
        Self {
            linear_1: LinearConfig::new(input, output).init(device),
            linear_2: LinearConfig::new(output, output).init(device),
        }
    }

    /// `x`: `[batch, input]`; output: `[batch, output]`.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.linear_2.forward(silu(self.linear_1.forward(x)))
    }

    /// The precision of the weights.
    pub fn dtype(&self) -> burn::tensor::DType {
        self.linear_1.weight.val().dtype()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sinusoids_start_with_the_cosine_of_the_number_itself() {
        let table = sinusoids(&[0.0, 2.0], 4, &Device::flex()).into_data().try_to_vec::<f32>().unwrap();
        let expected = [1.0, 1.0, 0.0, 0.0, 2f32.cos(), 0.02f32.cos(), 2f32.sin(), 0.02f32.sin()];
        for (a, b) in table.iter().zip(expected) {
            assert!((a - b).abs() < 1e-6, "{table:?}");
        }
    }
}
