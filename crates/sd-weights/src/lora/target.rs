//! What a LoRA's modules are called, and which weights that means.
//!
//! kohya's files write a module's path with underscores, `lora_unet_down_blocks_0_attentions_0_proj_in`; PEFT and
//! diffusers write it with dots, `unet.down_blocks.0.attentions.0.proj_in`. Paths are compared with underscores, the one
//! form that both can be brought to.

/// The network that a LoRA's module is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Component {
    /// The U-Net.
    Unet,
    /// The text encoder, or XL's first one.
    TextEncoder,
    /// XL's second text encoder.
    TextEncoder2,
}

impl Component {
    /// Its folder in a model.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Unet => "unet",
            Self::TextEncoder => "text_encoder",
            Self::TextEncoder2 => "text_encoder_2",
        }
    }
}

/// Which weights a module changes: a network, and the path in it with underscores.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Target(pub Component, pub String);

/// How a module's name begins, by network. The first that fits is meant.
const STARTS: [(&str, Component); 9] = [
    ("lora_unet_", Component::Unet),
    ("lora_te2_", Component::TextEncoder2),
    ("lora_te1_", Component::TextEncoder),
    ("lora_te_", Component::TextEncoder),
    ("unet.", Component::Unet),
    ("text_encoder_2.", Component::TextEncoder2),
    ("text_encoder.", Component::TextEncoder),
    ("diffusion_model.", Component::Unet),
    ("base_model.model.", Component::Unet),
];

/// Names of attention's matrices in diffusers' first files of text encoders.
const OLD_TEXT: [(&str, &str); 4] =
    [("_to_q", "_q_proj"), ("_to_k", "_k_proj"), ("_to_v", "_v_proj"), ("_to_out", "_out_proj")];

impl Target {
    /// What the module of a LoRA file called `name` changes; one without a known beginning is in the U-Net, as diffusers'
    /// first files have it.
    pub fn of_module(name: &str) -> Self {
        let start = STARTS.iter().find(|(start, _)| name.starts_with(start));
        let (start, component) = start.copied().unwrap_or(("", Component::Unet));
        let mut path = name[start.len()..].replace(".processor", "").replace('.', "_");
        if component != Component::Unet {
            let old = OLD_TEXT.iter().find_map(|(old, new)| Some(format!("{}{new}", path.strip_suffix(old)?)));
            path = old.unwrap_or(path);
        } else if path.ends_with("_to_out") {
            path.push_str("_0");
        }
        Self(component, path_of(component, &path))
    }

    /// What changes the tensor called `key` of a network's weights.
    pub fn of_key(component: Component, key: &str) -> Option<Self> {
        let path = key.strip_suffix(".weight")?.replace('.', "_");
        Some(Self(component, path_of(component, &path)))
    }
}

/// A text encoder's paths begin with `text_model` in some files and not in others.
fn path_of(component: Component, path: &str) -> String {
    let is_whole = component == Component::Unet || path.starts_with("text_");
    if is_whole { path.to_string() } else { format!("text_model_{path}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_ways_to_write_a_module_mean_the_same_weights() {
        let key = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0.weight";
        let target = Target::of_key(Component::Unet, key).unwrap();
        for name in [
            "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_out_0",
            "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0",
            "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.processor.to_out",
            "down_blocks.0.attentions.0.transformer_blocks.0.attn1.processor.to_out",
        ] {
            assert_eq!(Target::of_module(name), target, "{name}");
        }
    }

    #[test]
    fn text_encoders_are_told_apart() {
        for (component, key, names) in [
            (
                Component::TextEncoder,
                "text_model.encoder.layers.3.self_attn.q_proj.weight",
                [
                    "lora_te_text_model_encoder_layers_3_self_attn_q_proj",
                    "lora_te1_text_model_encoder_layers_3_self_attn_q_proj",
                    "text_encoder.text_model.encoder.layers.3.self_attn.to_q",
                ],
            ),
            (
                Component::TextEncoder2,
                "encoder.layers.3.mlp.fc1.weight",
                [
                    "lora_te2_text_model_encoder_layers_3_mlp_fc1",
                    "text_encoder_2.text_model.encoder.layers.3.mlp.fc1",
                    "text_encoder_2.encoder.layers.3.mlp.fc1",
                ],
            ),
        ] {
            let target = Target::of_key(component, key);
            for name in names {
                assert_eq!(Some(Target::of_module(name)), target, "{name}");
            }
        }
    }
}
