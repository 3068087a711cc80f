//! What a file that PEFT wrote says of its strength, which is not among its tensors.

use serde_json::Value;

use super::Component;
use crate::Weights;

/// diffusers' key in the metadata of a safetensors file, for the settings of PEFT.
const SETTINGS: &str = "lora_adapter_metadata";

/// The settings of PEFT that a file was written with.
pub(crate) struct Declared(Value);

impl Declared {
    pub fn of(weights: &Weights) -> Self {
        let text = weights.metadata.get(SETTINGS);
        Self(text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default())
    }

    /// The scale of `module`, to be divided by its rank.
    pub fn alpha(&self, component: Component, module: &str, rank: usize) -> Option<f64> {
        let setting = |name: &str| &self.0[format!("{}.{name}", component.name())];
        let is_own = |pattern: &String| module == *pattern || module.ends_with(&format!(".{pattern}"));
        let own = setting("alpha_pattern").as_object().and_then(|all| all.iter().find(|(pattern, _)| is_own(pattern)));
        let alpha = own.map_or(setting("lora_alpha"), |(_, alpha)| alpha).as_f64()?;
        // Kalajdzievski 2023: over the root of the rank.
        let is_rank_stabilised = setting("use_rslora").as_bool() == Some(true);
        Some(if is_rank_stabilised { alpha * (rank as f64).sqrt() } else { alpha })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_has_its_own_alpha_or_that_of_all() {
        let declared = Declared(serde_json::json!({
            "unet.lora_alpha": 8, "unet.alpha_pattern": { "attn1.to_q": 2.0 }, "text_encoder.lora_alpha": 3,
            "text_encoder.use_rslora": true,
        }));
        let alpha = |component, module| declared.alpha(component, module, 4);
        assert_eq!(alpha(Component::Unet, "unet.a.attn1.to_k"), Some(8.0));
        assert_eq!(alpha(Component::Unet, "unet.a.attn1.to_q"), Some(2.0));
        assert_eq!(alpha(Component::TextEncoder, "text_encoder.a"), Some(6.0));
        assert_eq!(alpha(Component::TextEncoder2, "text_encoder_2.a"), None);
    }
}
