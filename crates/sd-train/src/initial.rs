use burn::module::Module;
use burn::tensor::{Tensor, TensorData};

use crate::parameters::{Parameter, parameters, with_values};
use crate::random::{Purpose, Stream};

/// Returns the module with random parameters, which depend on the seed alone and not on the device.
///
/// Norms start as the identity. Embeddings are normal with standard deviation 0.02 (Radford et al. 2021). All others are
/// uniform within `±1/sqrt(inputs)`, as in PyTorch's linear and convolutional layers.
pub fn initialise<M: Module>(module: M, seed: u64) -> M {
    let mut inputs = 1;
    let values = parameters(&module).into_iter().enumerate().map(|(i, (parameter, old))| {
        // The weight of a layer comes before its bias, which has the same number of inputs.
        if parameter.shape.num_dims() > 1 {
            inputs = count_inputs(&parameter);
        }
        let stream = Stream::new(seed, Purpose::Initial, i as u64);
        let values = draw(&parameter, inputs, stream);
        Tensor::from_data(TensorData::new(values, old.dims()), (&old.device(), parameter.dtype))
    });
    let values = values.collect();
    with_values(module, values)
}

/// Number of terms in the sum that each output of a layer is.
fn count_inputs(weight: &Parameter) -> usize {
    match weight.holder.as_str() {
        "Linear" => weight.shape[0],
        _ => weight.shape.num_elements() / weight.shape[0],
    }
}

fn draw(parameter: &Parameter, inputs: usize, mut stream: Stream) -> Vec<f64> {
    let count = parameter.shape.num_elements();
    match parameter.holder.as_str() {
        "GroupNorm" | "LayerNorm" => vec![if parameter.path.ends_with("gamma") { 1.0 } else { 0.0 }; count],
        "Embedding" => stream.normals().take(count).map(|x| 0.02 * x).collect(),
        _ => {
            let bound = 1.0 / (inputs as f64).sqrt();
            (0..count).map(|_| bound * (2.0 * stream.uniform() - 1.0)).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::conv::{Conv2d, Conv2dConfig};
    use burn::nn::{Embedding, EmbeddingConfig, GroupNorm, GroupNormConfig, Linear, LinearConfig};
    use burn::tensor::Device;

    use super::*;

    #[derive(Module, Debug)]
    struct Layers {
        linear: Linear,
        conv: Conv2d,
        norm: GroupNorm,
        embedding: Embedding,
    }

    fn layers(seed: u64) -> Vec<Vec<f32>> {
        let device = Device::flex();
        let layers = Layers {
            linear: LinearConfig::new(16, 64).init(&device),
            conv: Conv2dConfig::new([4, 32], [3, 3]).init(&device),
            norm: GroupNormConfig::new(2, 4).init(&device),
            embedding: EmbeddingConfig::new(64, 16).init(&device),
        };
        let found = parameters(&initialise(layers, seed)).into_iter();
        found.map(|(_, values)| values.into_data().try_to_vec().unwrap()).collect()
    }

    #[test]
    fn layers_are_uniform_within_the_root_of_their_inputs() {
        for (values, bound) in layers(1).iter().zip([0.25, 0.25, 1.0 / 6.0, 1.0 / 6.0_f32]) {
            let largest = values.iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
            assert!(largest <= bound && largest > 0.8 * bound, "{largest} {bound}");
        }
    }

    #[test]
    fn norms_are_the_identity_and_embeddings_small() {
        let values = layers(1);
        assert_eq!((&values[4], &values[5]), (&vec![1.0; 4], &vec![0.0; 4]));
        let variance = values[6].iter().map(|x| x * x).sum::<f32>() / 1024.0;
        assert!((variance.sqrt() - 0.02).abs() < 0.002, "{variance}");
    }

    #[test]
    fn a_seed_always_gives_the_same_parameters() {
        assert_eq!(layers(1), layers(1));
        assert_ne!(layers(1), layers(2));
    }
}
