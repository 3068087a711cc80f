use burn::config::Config;
use sd_weights::Component;

/// How a network is adapted.
#[derive(Config, Debug, Copy, PartialEq)]
pub struct AdapterConfig {
    /// The form of the changes.
    #[config(default = "AdapterKind::Lora")]
    pub kind: AdapterKind,
    /// The layers that are changed.
    #[config(default = "Targets::Attention")]
    pub targets: Targets,
    /// The inner dimension of the matrices whose product a change is.
    pub rank: usize,
    /// A change is multiplied by `alpha / rank` (Hu et al. 2021, section 4.1).
    pub alpha: f64,
}

/// The form of the change of a weight `W`, a matrix `[outputs, inputs·kernel]`, by matrices of rank `r`. `A` stands for a
/// matrix that begins with zeros, so that there is no change at first.
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub enum AdapterKind {
    /// `W + A·B` (Hu et al. 2021, equation 3), for convolutions as in LyCORIS' LoCon.
    Lora,
    /// The same, with trained lengths of the rows of the sum, which begin as those of `W`: DoRA (Liu et al. 2024, equation 5).
    /// Unlike there, and as in LyCORIS, gradients pass through the division by the lengths.
    Dora,
    /// `W + (C·D) ⊙ (A·B)`, element by element: LoHa (Hyeon-Woo et al. 2022, proposition 1).
    LoHa,
    /// `W + C ⊗ (B·A)`, or `W + C ⊗ A` where a product would not be smaller: LoKr (Edalati et al. 2022, equation 6), with `C`
    /// about as large as the other matrix.
    LoKr,
}

/// Layers of a U-Net or a text encoder.
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub enum Targets {
    /// The projections of the attention: what diffusers' scripts train.
    Attention,
    /// All layers of the transformers, with the feed-forward networks: what kohya's programs train by default.
    Transformer,
    /// Those and, in the U-Net, the convolutions and time projections of the residual blocks and samplers: LoCon.
    All,
}

impl Targets {
    /// Whether a tensor is the weight of such a layer, by its name and its shape in the diffusers layout.
    pub fn contain(self, component: Component, key: &str, shape: &[usize]) -> bool {
        let is_in = |parts: &[&str]| parts.iter().any(|part| key.contains(part));
        let parts: &[&str] = match (component, self) {
            (Component::Unet, Self::Attention) => &[".attn1.", ".attn2."],
            (Component::Unet, Self::Transformer) => &[".attentions."],
            (Component::Unet, Self::All) => &[".attentions.", ".resnets.", ".downsamplers.", ".upsamplers."],
            (_, Self::Attention) => &[".self_attn."],
            (_, Self::Transformer | Self::All) => &[".self_attn.", ".mlp."],
        };
        key.ends_with(".weight") && matches!(shape.len(), 2 | 4) && is_in(parts)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use sd_clip::ClipTextConfig;
    use sd_unet::UnetConfig;
    use sd_weights::parameters;

    use super::*;

    fn count(component: Component, parameters: &[(String, Vec<usize>)]) -> [usize; 3] {
        [Targets::Attention, Targets::Transformer, Targets::All]
            .map(|targets| parameters.iter().filter(|(key, shape)| targets.contain(component, key, shape)).count())
    }

    /// 128 and 192 modules are what diffusers' and kohya's programs report for 1.5, 72 kohya's for its text encoder.
    #[test]
    fn the_layers_of_stable_diffusion_1_are_those_of_the_reference_programs() {
        let device = Device::flex();
        let unet = parameters(&UnetConfig::sd1().init(&device));
        assert_eq!(count(Component::Unet, &unet), [128, 192, 278]);
        let text = parameters(&ClipTextConfig::sd1().init(&device));
        assert_eq!(count(Component::TextEncoder, &text), [48, 72, 72]);
    }
}
