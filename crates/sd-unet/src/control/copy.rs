use std::collections::HashMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};

use super::ControlNet;
use crate::Unet;

/// Parameters that are zero before training.
const ZEROS: [&str; 4] = [
    "controlnet_down_blocks.",
    "controlnet_mid_block.",
    "controlnet_cond_embedding.conv_out.",
    "union.spatial_ch_projs.",
];

impl ControlNet {
    /// Returns the network as its training begins (Zhang et al. 2023, section 3.1): with the values of the U-Net's way down and
    /// middle, and zeros in the convolutions at its ends, so that it changes nothing.
    ///
    /// The convolutions that read the hint keep their values, and so does all that no U-Net has. Parameters stay on their device,
    /// in their precision, and are trained if they were; they share nothing with the U-Net's.
    ///
    /// # Panics
    ///
    /// Panics if the config's U-Net is another one.
    pub fn with_encoder_of(self, unet: &Unet) -> Self {
        let mut reader = Reader::default();
        unet.visit(&mut reader);
        let mut writer = Writer { encoder: reader.found, path: Vec::new() };
        let network = self.map(&mut writer);
        let unused: Vec<&String> = writer.encoder.keys().take(3).collect();
        assert!(unused.is_empty(), "the network lacks {unused:?} of the U-Net");
        network
    }
}

/// Reads the parameters that a ControlNet has copies of, by path.
#[derive(Default)]
struct Reader {
    path: Vec<String>,
    found: HashMap<String, TensorData>,
}

impl ModuleVisitor for Reader {
    fn enter_module(&mut self, name: &str, _holder: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _holder: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if !matches!(self.path[0].as_str(), "up_blocks" | "conv_norm_out" | "conv_out") {
            self.found.insert(self.path.join("."), param.val().into_data());
        }
    }
}

struct Writer {
    encoder: HashMap<String, TensorData>,
    path: Vec<String>,
}

impl ModuleMapper for Writer {
    fn enter_module(&mut self, name: &str, _holder: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _holder: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let path = self.path.join(".");
        let (id, old) = (param.id, param.val());
        let values = if ZEROS.iter().any(|start| path.starts_with(start)) {
            old.zeros_like().into_data()
        } else if let Some(values) = self.encoder.remove(&path) {
            let (found, expected) = (values.shape(), old.shape());
            assert_eq!(found, &expected, "`{path}` of the U-Net has shape {found:?}, not {expected:?}");
            values
        } else {
            return param;
        };
        let values = values.convert_dtype(old.dtype());
        param.transform_for_load(Tensor::from_data(values, (&old.device(), old.dtype())), id)
    }
}

#[cfg(test)]
mod tests {
    use burn::module::list_param_ids;
    use burn::prelude::*;
    use burn::tensor::Distribution;

    use super::*;
    use crate::{Conditions, ControlNetConfig, Hint, UnetConfig, UnetLevel};

    /// Draws all values anew, also those of norms and of convolutions that begin with zeros.
    struct Redraw;

    impl ModuleMapper for Redraw {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            param.map(|values| values.random_like(Distribution::Normal(0.0, 0.3)))
        }
    }

    fn tiny() -> (UnetConfig, Unet) {
        let level = |channels| UnetLevel::even(channels, 1, 1, 2);
        let levels = vec![level(8), level(16)];
        let config = UnetConfig { levels, norm_num_groups: 4, cross_attention_dim: 6, ..UnetConfig::sd1() };
        (config.clone(), config.init(&Device::flex()).map(&mut Redraw))
    }

    #[test]
    fn a_copy_has_the_values_of_the_u_net_and_zeros_at_its_ends() {
        let (config, unet) = tiny();
        let begun = ControlNetConfig::new(config).init(&Device::flex()).map(&mut Redraw);
        let copy = begun.clone().with_encoder_of(&unet);
        let [mut of_unet, mut before, mut after] = [Reader::default(), Reader::default(), Reader::default()];
        unet.visit(&mut of_unet);
        begun.visit(&mut before);
        copy.visit(&mut after);
        let (mut copied, mut kept, mut zero) = (0, 0, 0);
        for (path, values) in &after.found {
            if let Some(expected) = of_unet.found.remove(path) {
                values.assert_eq(&expected, true);
                copied += 1;
            } else if path.starts_with("controlnet_cond_embedding") && !path.contains("conv_out") {
                values.assert_eq(&before.found[path], true);
                kept += 1;
            } else {
                assert!(values.iter::<f32>().all(|value| value == 0.0), "{path}");
                zero += 1;
            }
        }
        assert!(of_unet.found.is_empty() && copied > 50);
        // Weights and biases of seven convolutions; those of a last one, of five skip connections and of the middle.
        assert_eq!((kept, zero), (14, 12));
        assert!(list_param_ids(&copy).iter().all(|id| !list_param_ids(&unet).contains(id)));
    }

    #[test]
    fn a_copy_changes_no_bit() {
        let (device, (config, unet)) = (Device::flex(), tiny());
        let copy = ControlNetConfig::new(config).init(&device).map(&mut Redraw).with_encoder_of(&unet);
        let random = |shape: [usize; 4]| Tensor::<4>::random(shape, Distribution::Normal(0.0, 1.0), &device);
        let (x, context) = (random([2, 4, 5, 7]), random([1, 2, 3, 6]).squeeze_dim::<3>(0));
        let (conditions, t) = (Conditions::new(context), [981.0, 21.0]);
        let hint = Hint::new(copy.embed(random([2, 3, 40, 56])));
        let residuals = copy.forward(x.clone(), &t, &conditions, &[hint]);
        let plain = unet.forward(x.clone(), &t, &conditions).into_data();
        assert_eq!(unet.forward(x, &t, &conditions.with_residuals(residuals)).into_data(), plain);
    }

    #[test]
    #[should_panic(expected = "of the U-Net has shape")]
    fn a_u_net_of_another_width_is_refused() {
        let (config, unet) = tiny();
        let other = UnetConfig { cross_attention_dim: 5, ..config };
        ControlNetConfig::new(other).init(&Device::flex()).with_encoder_of(&unet);
    }

    #[test]
    #[should_panic(expected = "the network lacks")]
    fn a_u_net_with_more_layers_is_refused() {
        let (config, unet) = tiny();
        let other = UnetConfig { mid_attention: 0, ..config };
        ControlNetConfig::new(other).init(&Device::flex()).with_encoder_of(&unet);
    }
}
