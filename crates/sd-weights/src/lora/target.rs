//! The names of a LoRA's modules, and the tensors that they mean.
//!
//! kohya's files write a module's path with underscores, `lora_unet_down_blocks_0_attentions_0_proj_in`; PEFT and
//! diffusers write it with dots, `unet.down_blocks.0.attentions.0.proj_in`. Paths are compared with underscores, because
//! dots can be replaced and underscores cannot.

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
    /// Returns its folder in a model.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Unet => "unet",
            Self::TextEncoder => "text_encoder",
            Self::TextEncoder2 => "text_encoder_2",
        }
    }
}

/// A module of a LoRA file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Module<'a> {
    /// Its network; `None` for a text encoder if the file does not say which one.
    pub component: Option<Component>,
    /// Its path in the network, as the file writes it.
    pub path: &'a str,
}

/// One of a module's tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Slot {
    Weight,
    Bias,
}

/// The tensor to change: its network, the module's path in it with underscores, and the module's tensor.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Target(pub Option<Component>, pub String, pub Slot);

/// Prefixes of modules' names, by network. The first match counts.
const STARTS: [(&str, Component); 15] = [
    // kohya's programs
    ("lora_unet_", Component::Unet),
    ("oft_unet_", Component::Unet),
    ("lora_te2_", Component::TextEncoder2),
    ("lora_te1_", Component::TextEncoder),
    ("lora_te_", Component::TextEncoder),
    // diffusers
    ("unet.", Component::Unet),
    ("text_encoder_2.", Component::TextEncoder2),
    ("text_encoder.", Component::TextEncoder),
    // ComfyUI
    ("diffusion_model.", Component::Unet),
    ("text_encoders.clip_l.transformer.", Component::TextEncoder),
    ("text_encoders.clip_h.transformer.", Component::TextEncoder),
    ("text_encoders.clip_g.transformer.", Component::TextEncoder2),
    // OneTrainer
    ("clip_l.", Component::TextEncoder),
    ("clip_g.", Component::TextEncoder2),
    // LyCORIS around a U-Net; it may be a text encoder as well
    ("lycoris_", Component::Unet),
];

/// PEFT's prefix of a module's path, after the network's name if there is one.
const WRAPPED: &str = "base_model.model.";

/// Beginnings of paths in a text encoder, with underscores.
const TEXT: [&str; 5] = ["text_model_", "text_projection", "encoder_layers_", "embeddings_", "final_layer_norm"];

/// Parts of a path that programs add to the module's.
const WRAPPERS: [&str; 3] = [".processor", ".base_layer", ".modules_to_save"];

/// Names of the attention's matrices in diffusers' first files of text encoders, and the present ones.
const OLD_TEXT: [(&str, &str); 4] =
    [("_to_q", "_q_proj"), ("_to_k", "_k_proj"), ("_to_v", "_v_proj"), ("_to_out", "_out_proj")];

impl<'a> Module<'a> {
    /// Parses the name of a LoRA file's module. Without a network in its name it is in the U-Net, as in diffusers' first
    /// files, unless its path is one of a text encoder.
    pub fn from_name(name: &'a str) -> Self {
        let name = name.strip_prefix(WRAPPED).unwrap_or(name);
        let start = STARTS.iter().find(|(start, _)| name.starts_with(start));
        let (start, component) = start.copied().unwrap_or(("", Component::Unet));
        let path = &name[start.len()..];
        let path = path.strip_prefix(WRAPPED).unwrap_or(path);
        let names_network = !matches!(start, "" | "lycoris_");
        let is_text = !names_network && TEXT.iter().any(|text| path.replace('.', "_").starts_with(text));
        Self { component: (!is_text).then_some(component), path }
    }
}

impl Target {
    /// Returns the target of a module's change.
    pub fn from_module(module: Module, slot: Slot) -> Self {
        let path = WRAPPERS.iter().fold(module.path.to_string(), |path, wrapper| path.replace(wrapper, ""));
        let mut path = path.replace('.', "_");
        if module.component != Some(Component::Unet) {
            let old = OLD_TEXT.iter().find_map(|(old, new)| Some(format!("{}{new}", path.strip_suffix(old)?)));
            path = old.unwrap_or(path);
        } else if path.ends_with("_to_out") {
            path.push_str("_0");
        }
        Self(module.component, full_path(module.component, path), slot)
    }

    /// Returns the target that means the tensor `key` of a network's weights.
    pub fn from_key(component: Component, key: &str) -> Option<Self> {
        let ends = [(".weight", Slot::Weight), (".bias", Slot::Bias)];
        let (path, slot) = ends.into_iter().find_map(|(end, slot)| Some((key.strip_suffix(end)?, slot)))?;
        Some(Self(Some(component), full_path(Some(component), path.replace('.', "_")), slot))
    }

    /// Returns the same target in a text encoder that is not named.
    pub fn unnamed(self) -> Self {
        Self(None, self.1, self.2)
    }
}

/// Completes a text encoder's path, which begins with `text_model` in some files and not in others.
fn full_path(component: Option<Component>, path: String) -> String {
    let is_whole = component == Some(Component::Unet) || path.starts_with("text_");
    if is_whole { path } else { format!("text_model_{path}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target_of(name: &str) -> Target {
        Target::from_module(Module::from_name(name), Slot::Weight)
    }

    #[test]
    fn all_ways_to_write_a_module_mean_the_same_weights() {
        let key = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0.weight";
        let target = Target::from_key(Component::Unet, key).unwrap();
        for name in [
            "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_out_0",
            "oft_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_out_0",
            "lycoris_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_out_0",
            "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0",
            "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.processor.to_out",
            "down_blocks.0.attentions.0.transformer_blocks.0.attn1.processor.to_out",
            "diffusion_model.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0",
            "base_model.model.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0",
            "base_model.model.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0.base_layer",
            "unet.base_model.model.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0",
        ] {
            assert_eq!(target_of(name), target, "{name}");
        }
    }

    #[test]
    fn text_encoders_are_distinguished() {
        for (component, key, names) in [
            (
                Component::TextEncoder,
                "text_model.encoder.layers.3.self_attn.q_proj.weight",
                [
                    "lora_te_text_model_encoder_layers_3_self_attn_q_proj",
                    "lora_te1_text_model_encoder_layers_3_self_attn_q_proj",
                    "text_encoder.text_model.encoder.layers.3.self_attn.to_q",
                    "text_encoders.clip_l.transformer.text_model.encoder.layers.3.self_attn.q_proj",
                    "text_encoders.clip_h.transformer.text_model.encoder.layers.3.self_attn.q_proj",
                    "clip_l.text_model.encoder.layers.3.self_attn.q_proj",
                ],
            ),
            (
                Component::TextEncoder2,
                "encoder.layers.3.mlp.fc1.weight",
                [
                    "lora_te2_text_model_encoder_layers_3_mlp_fc1",
                    "text_encoder_2.text_model.encoder.layers.3.mlp.fc1",
                    "text_encoder_2.encoder.layers.3.mlp.fc1",
                    "text_encoders.clip_g.transformer.text_model.encoder.layers.3.mlp.fc1",
                    "clip_g.text_model.encoder.layers.3.mlp.fc1",
                    "text_encoder_2.base_model.model.text_model.encoder.layers.3.mlp.fc1",
                ],
            ),
        ] {
            let target = Target::from_key(component, key);
            for name in names {
                assert_eq!(Some(target_of(name)), target, "{name}");
            }
        }
    }

    #[test]
    fn a_text_encoders_path_alone_does_not_say_which_one() {
        let target = Target::from_key(Component::TextEncoder2, "encoder.layers.3.mlp.fc1.bias").unwrap().unnamed();
        for name in [
            "base_model.model.text_model.encoder.layers.3.mlp.fc1",
            "base_model.model.encoder.layers.3.mlp.fc1",
            "text_model.encoder.layers.3.mlp.fc1",
            "lycoris_text_model_encoder_layers_3_mlp_fc1",
        ] {
            assert_eq!(Target::from_module(Module::from_name(name), Slot::Bias), target, "{name}");
        }
    }
}
