use burn::nn::{Initializer, Linear, LinearConfig};
use burn::prelude::*;
use burn::tensor::activation::silu;
use sd_ops::project;

use crate::{AdditionConfig, Conditions, UnetConfig};

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
            let (sines, cosines) = sines_and_cosines((0..half).map(|i| value as f32 * frequency(i)));
            table.extend(if self.flip_sin_to_cos { [cosines, sines] } else { [sines, cosines] }.concat());
        }
        Tensor::from_data(TensorData::new(table, [values.len(), 2 * half]), device)
    }
}

/// Embeds a guidance scale (Luo et al. 2023, section 4.2; diffusers' `get_guidance_scale_embedding`); output: `[1, width]`.
///
/// The angles are a thousand times the scale less 1, so their frequencies are rounded as in the reference.
pub(crate) fn embed_guidance(scale: f64, width: usize, device: &Device) -> Tensor<2> {
    let (half, w) = (width / 2, (scale - 1.0) as f32 * 1000.0);
    let exponent = -(10000.0_f32.ln() / (half - 1) as f32);
    let frequency = |i: usize| f64::from(i as f32 * exponent).exp() as f32;
    let (sines, cosines) = sines_and_cosines((0..half).map(|i| w * frequency(i)));
    let mut values = [sines, cosines].concat();
    values.resize(width, 0.0);
    Tensor::from_data(TensorData::new(values, [1, width]), device)
}

fn sines_and_cosines(angles: impl Iterator<Item = f32>) -> (Vec<f32>, Vec<f32>) {
    angles.map(|angle| f64::from(angle).sin_cos()).map(|(sin, cos)| (sin as f32, cos as f32)).unzip()
}

/// Two layers that turn sinusoids, or other conditions, into the time embedding of the residual blocks.
#[derive(Module, Debug)]
pub(crate) struct TimestepEmbedding {
    linear_1: Linear,
    cond_proj: Option<Linear>,
    linear_2: Linear,
}

impl TimestepEmbedding {
    pub fn new(input: usize, output: usize, device: &Device) -> Self {
        Self {
            linear_1: LinearConfig::new(input, output).init(device),
            cond_proj: None,
            linear_2: LinearConfig::new(output, output).init(device),
        }
    }

    /// Adds a layer that reads a condition of this width, if there is one.
    pub fn with_cond_proj(self, width: Option<usize>, device: &Device) -> Self {
        let [input, _] = self.linear_1.weight.dims();
        let cond_proj = width.map(|width| LinearConfig::new(width, input).with_bias(false).init(device));
        Self { cond_proj, ..self }
    }

    /// Adds a layer of zeros that reads a condition of this width: it changes nothing before it is trained.
    pub fn with_zero_cond_proj(self, width: usize, device: &Device) -> Self {
        let [input, _] = self.linear_1.weight.dims();
        let zeros = LinearConfig::new(width, input).with_bias(false).with_initializer(Initializer::Zeros);
        Self { cond_proj: Some(zeros.init(device)), ..self }
    }

    /// `x`: `[batch, input]`; output: `[batch, output]`.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        project(&self.linear_2, silu(project(&self.linear_1, x)))
    }

    /// As [`forward`](Self::forward), with a condition that is added to the input: `[1, width]`.
    ///
    /// # Panics
    ///
    /// Panics without a layer that reads it.
    pub fn forward_with(&self, x: Tensor<2>, condition: Tensor<2>) -> Tensor<2> {
        let cond_proj = self.cond_proj.as_ref().expect("a network that reads a condition");
        self.forward(x + project(cond_proj, condition))
    }

    /// The precision of the biases, which is also that of activations.
    pub fn dtype(&self) -> burn::tensor::DType {
        self.linear_1.bias.as_ref().expect("it has a bias").val().dtype()
    }
}

/// Embeds timesteps and, in networks that take them, the guidance scale and the added conditions; output: `[t, time_embed_dim]`.
///
/// As in diffusers, a network that reads the guidance scale may be called without one.
///
/// # Panics
///
/// Panics if added conditions are missing, or are given to a network that takes none.
pub(crate) fn embed_time(
    config: &UnetConfig,
    (time_embedding, add_embedding): (&TimestepEmbedding, Option<&TimestepEmbedding>),
    t: &[f64],
    conditions: &Conditions,
    device: &Device,
) -> Tensor<2> {
    let dtype = time_embedding.dtype();
    let time = Sinusoids::new(config.levels[0].channels).embed(t, device).cast(dtype);
    let time = match (config.time_cond_proj_dim, conditions.guidance) {
        (Some(width), Some(scale)) => {
            time_embedding.forward_with(time, embed_guidance(scale, width, device).cast(dtype))
        }
        _ => time_embedding.forward(time),
    };
    match (add_embedding, config.addition, &conditions.added) {
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
    fn a_guidance_scale_of_1_is_zero_and_others_are_multiplied_by_a_thousand() {
        let embed =
            |scale, width| embed_guidance(scale, width, &Device::flex()).into_data().try_to_vec::<f32>().unwrap();
        assert_eq!(embed(1.0, 4), [0.0, 0.0, 1.0, 1.0]);
        // The frequencies of width 4 are 1 and a ten-thousandth; an odd width ends with 0.
        let found = embed(1.5, 5);
        for (a, b) in found.iter().zip([500f32.sin(), 0.05f32.sin(), 500f32.cos(), 0.05f32.cos(), 0.0]) {
            assert!((a - b).abs() < 1e-6, "{found:?}");
        }
    }

    #[test]
    fn sinusoids_of_ddpm_start_with_the_sine_and_end_with_a_ten_thousandth() {
        let ddpm = Sinusoids { width: 4, flip_sin_to_cos: false, freq_shift: 1 };
        assert_close(ddpm, [0.0, 0.0, 1.0, 1.0, 2f32.sin(), 0.0002f32.sin(), 2f32.cos(), 0.0002f32.cos()]);
    }
}
