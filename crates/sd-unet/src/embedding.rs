use burn::nn::{Linear, LinearConfig};
use burn::prelude::*;
use burn::tensor::activation::silu;
use sd_ops::project;

use crate::{AddedConditions, AdditionConfig, UnetConfig};

/// Sinusoidal embedding of numbers (Vaswani et al. 2017, section 3.5; Ho et al. 2020).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sinusoids {
    /// Width of each embedding: half of it cosines, half sines.
    pub width: usize,
    /// Whether the cosines come first.
    pub flip_sin_to_cos: bool,
    /// Subtracted from the number of frequencies in the exponents' denominator: with 1, the lowest frequency is exactly
    /// 1/10000.
    pub freq_shift: usize,
}

impl Sinusoids {
    /// Creates the embedding of Stable Diffusion.
    pub fn new(width: usize) -> Self {
        Self { width, flip_sin_to_cos: true, freq_shift: 0 }
    }

    /// Embeds `values`; output: `[values, width]`.
    ///
    /// Rounds to f32 where the reference does: networks were trained on the rounded products of timesteps and frequencies.
    pub fn embed(&self, values: &[f64], device: &Device) -> Tensor<2> {
        let half = self.width / 2;
        let last = half as f64 - self.freq_shift as f64;
        let frequency = |i: usize| (-(10000.0_f64.ln()) * i as f64 / last).exp() as f32;
        let mut table = Vec::with_capacity(values.len() * 2 * half);
        for &value in values {
            let angles = (0..half).map(|i| f64::from(value as f32 * frequency(i)));
            let (sines, cosines): (Vec<f32>, Vec<f32>) =
                angles.map(f64::sin_cos).map(|(sin, cos)| (sin as f32, cos as f32)).unzip();
            table.extend(if self.flip_sin_to_cos { [cosines, sines] } else { [sines, cosines] }.concat());
        }
        Tensor::from_data(TensorData::new(table, [values.len(), 2 * half]), device)
    }
}

/// Two layers that turn sinusoids, or other conditions, into the time embedding of the residual blocks.
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
        project(&self.linear_2, silu(project(&self.linear_1, x)))
    }

    /// The precision of the biases, which is also that of activations.
    pub fn dtype(&self) -> burn::tensor::DType {
        self.linear_1.bias.as_ref().expect("it has a bias").val().dtype()
    }
}

/// Embeds timesteps and, in networks that take them, the added conditions; output: `[t, time_embed_dim]`.
///
/// # Panics
///
/// Panics if added conditions are missing, or are given to a network that takes none.
pub(crate) fn embed_time(
    config: &UnetConfig,
    (time_embedding, add_embedding): (&TimestepEmbedding, Option<&TimestepEmbedding>),
    t: &[f64],
    added: Option<&AddedConditions>,
    device: &Device,
) -> Tensor<2> {
    let dtype = time_embedding.dtype();
    let time = Sinusoids::new(config.levels[0].channels).embed(t, device).cast(dtype);
    let time = time_embedding.forward(time);
    match (add_embedding, config.addition, added) {
        (Some(embedding), Some(AdditionConfig { time_embed_dim, .. }), Some(added)) => {
            let ids: Vec<f64> = added.time_ids.iter().flatten().copied().collect();
            let sizes = Sinusoids::new(time_embed_dim).embed(&ids, device).cast(dtype);
            let sizes = sizes.reshape([t.len() as i32, -1]);
            time + embedding.forward(Tensor::cat(vec![added.text_embeds.clone(), sizes], 1))
        }
        (None, None, None) => time,
        (None, ..) => panic!("added conditions for a network that takes none"),
        (Some(_), ..) => panic!("this network needs added conditions"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_close(sinusoids: Sinusoids, expected: [f32; 8]) {
        let table = sinusoids.embed(&[0.0, 2.0], &Device::flex()).into_data().try_to_vec::<f32>().unwrap();
        for (a, b) in table.iter().zip(expected) {
            assert!((a - b).abs() < 1e-6, "{table:?}");
        }
    }

    #[test]
    fn sinusoids_start_with_the_cosine_of_the_value_itself() {
        assert_close(Sinusoids::new(4), [1.0, 1.0, 0.0, 0.0, 2f32.cos(), 0.02f32.cos(), 2f32.sin(), 0.02f32.sin()]);
    }

    #[test]
    fn sinusoids_of_ddpm_start_with_the_sine_and_end_with_a_ten_thousandth() {
        let ddpm = Sinusoids { width: 4, flip_sin_to_cos: false, freq_shift: 1 };
        assert_close(ddpm, [0.0, 0.0, 1.0, 1.0, 2f32.sin(), 0.0002f32.sin(), 2f32.cos(), 0.0002f32.cos()]);
    }
}
