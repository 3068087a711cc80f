//! The names of the tensors of a LoRA file.

use std::collections::BTreeMap;

use super::source::Source;
use crate::WeightsError;

/// Endings of a module's keys, and the part of the module that each means. The first match counts.
const ENDS: [(&str, &str); 52] = [
    // kohya's files and LyCORIS'
    (".lora_down.weight", "down"),
    (".lora_up.weight", "up"),
    (".lora_mid.weight", "mid"),
    (".alpha", "alpha"),
    (".dora_scale", "dora_scale"),
    (".hada_w1_a", "hada_w1_a"),
    (".hada_w1_b", "hada_w1_b"),
    (".hada_w2_a", "hada_w2_a"),
    (".hada_w2_b", "hada_w2_b"),
    (".hada_t1", "hada_t1"),
    (".hada_t2", "hada_t2"),
    (".lokr_w1", "lokr_w1"),
    (".lokr_w1_a", "lokr_w1_a"),
    (".lokr_w1_b", "lokr_w1_b"),
    (".lokr_w2", "lokr_w2"),
    (".lokr_w2_a", "lokr_w2_a"),
    (".lokr_w2_b", "lokr_w2_b"),
    (".lokr_t2", "lokr_t2"),
    (".diff", "diff"),
    (".diff_b", "diff_b"),
    (".w_norm", "diff"),
    (".b_norm", "diff_b"),
    (".on_input", "on_input"),
    (".a1.weight", "a1"),
    (".a2.weight", "a2"),
    (".b1.weight", "b1"),
    (".b2.weight", "b2"),
    (".oft_blocks", "oft_blocks"),
    (".oft_diag", "oft_diag"),
    (".rescale", "rescale"),
    // OneTrainer's
    (".oft_R.weight", "oft_r"),
    (".oft_R.scaled_oft", "scaled_oft"),
    // ComfyUI's
    (".set_weight", "weight"),
    // PEFT's and diffusers'
    (".lora_A.weight", "down"),
    (".lora_B.weight", "up"),
    (".lora_B.bias", "up_bias"),
    (".lora_embedding_A", "embedding_a"),
    (".lora_embedding_B", "embedding_b"),
    (".lora_magnitude_vector", "magnitude"),
    (".lora_magnitude_vector.weight", "magnitude"),
    (".magnitude", "magnitude"),
    (".ia3_l", "ia3_l"),
    (".boft_R", "boft_r"),
    (".boft_s", "boft_s"),
    // diffusers' first ones
    (".lora.down.weight", "down"),
    (".lora.up.weight", "up"),
    ("_lora.down.weight", "down"),
    ("_lora.up.weight", "up"),
    (".lora_linear_layer.down.weight", "down"),
    (".lora_linear_layer.up.weight", "up"),
    // of IA3, and whole tensors
    (".weight", "weight"),
    (".bias", "bias"),
];

/// Known kinds that are not supported: the beginning and the ending of a key, and the kind.
const REFUSED: [(&str, &str, &str); 14] = [
    ("", ".lambda_layer", "T-LoRA of LyCORIS, which lacks the values that its training began with"),
    ("", ".bias_values", "sparse differences of LyCORIS"),
    ("", ".lora_E", "AdaLoRA of PEFT"),
    ("", ".oft_r", "OFT of PEFT before 0.15"),
    ("", ".vera_lambda_b", "VeRA of PEFT"),
    ("", ".fourierft_spectrum", "FourierFT of PEFT"),
    ("", ".hra_u", "HRA of PEFT"),
    ("", ".lora_diag", "KaSA of PEFT"),
    ("unet:", "", "a LoRA of cloneofsimo's program, which numbers its modules"),
    ("text_encoder:", "", "a LoRA of cloneofsimo's program, which numbers its modules"),
    ("lllite_", "", "a ControlNet-LLLite"),
    ("lora_controlnet", "", "a Control-LoRA, which is a ControlNet"),
    ("lora_transformer_", "", "a LoRA for a transformer such as Flux"),
    ("transformer.", "", "a LoRA for a transformer such as Flux"),
];

/// Parts of PEFT's keys that an adapter's name follows, unless PEFT removed it before saving.
const NAMED: [&str; 3] = [".lora_A.", ".lora_B.", ".lora_magnitude_vector."];

/// The key of a tensor, split.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TensorName {
    /// The module's name.
    pub module: String,
    /// The name of the adapter, if the key has one: a file may have several.
    pub adapter: String,
    pub part: &'static str,
}

/// The tensors of a module: the key of each part.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parts(BTreeMap<&'static str, String>);

impl TensorName {
    pub fn parse(key: &str) -> Option<Self> {
        let (key, adapter) = without_adapter(key);
        let split = |(end, part): &(&str, &'static str)| Some((key.strip_suffix(end)?.to_string(), *part));
        let (module, part) = ENDS.iter().find_map(split)?;
        Some(Self { module, adapter, part })
    }
}

/// Returns the kind of a key, if that kind is known and not supported.
pub(crate) fn refused(key: &str) -> Option<&'static str> {
    let is_match = |(start, end, _): &&(&str, &str, &str)| key.starts_with(start) && key.ends_with(end);
    REFUSED.iter().find(is_match).map(|(_, _, kind)| *kind)
}

/// Splits off the name of an adapter from a key.
fn without_adapter(key: &str) -> (String, String) {
    let named = NAMED.iter().find_map(|part| {
        let (module, rest) = key.split_once(part)?;
        let (adapter, last) = rest.split_once('.')?;
        Some((format!("{module}{part}{last}"), adapter.to_string()))
    });
    named.unwrap_or_else(|| (key.to_string(), String::new()))
}

impl Parts {
    /// Adds a tensor. The error is the key that already has this part.
    pub fn add(&mut self, part: &'static str, key: &str) -> Result<(), String> {
        self.0.insert(part, key.to_string()).map_or(Ok(()), Err)
    }

    /// Whether all tensors equal those of another module.
    pub fn is_same(&self, other: &Self, source: &Source) -> Result<bool, WeightsError> {
        let is_alike = self.0.len() == other.0.len();
        for (part, key) in &self.0 {
            let same = other.0.get(part).filter(|other| is_alike && source.shape(other) == source.shape(key));
            let is_same = match same {
                Some(other) if source.shape(key).iter().product::<usize>() == 1 => {
                    source.scalar(key)? == source.scalar(other)?
                }
                Some(other) => source.values(key)? == source.values(other)?,
                None => false,
            };
            if !is_same {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub fn keys(&self) -> impl Iterator<Item = &String> {
        self.0.values()
    }

    pub fn take(&mut self, part: &str) -> Option<String> {
        self.0.remove(part)
    }

    pub fn has(&self, part: &str) -> bool {
        self.0.contains_key(part)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_module_and_a_part_of_it() {
        for (key, module, adapter, part) in [
            ("lora_unet_a.lora_down.weight", "lora_unet_a", "", "down"),
            ("a.b.lora_A.weight", "a.b", "", "down"),
            ("a.b.lora_A.default_0.weight", "a.b", "default_0", "down"),
            ("a.b.lora_B.default.bias", "a.b", "default", "up_bias"),
            ("a.b.lora_magnitude_vector.default.weight", "a.b", "default", "magnitude"),
            ("a.b.lora_magnitude_vector.weight", "a.b", "", "magnitude"),
            ("a.processor.to_q_lora.up.weight", "a.processor.to_q", "", "up"),
            ("a.oft_R.weight", "a", "", "oft_r"),
            ("lora_unet_a.weight", "lora_unet_a", "", "weight"),
        ] {
            let expected = TensorName { module: module.into(), adapter: adapter.into(), part };
            assert_eq!(TensorName::parse(key), Some(expected), "{key}");
        }
        assert_eq!(TensorName::parse("a.b.c"), None);
    }
}
