//! The tensors of one module of a LoRA file, and the change they make.

use std::collections::BTreeMap;

use super::Source;
use super::change::{Change, Magnitude, Product};
use super::factor::{Factor, Side};
use crate::WeightsError;

/// How the keys of a module end, and what the tensor is: in kohya's files and LyCORIS', in PEFT's and diffusers', and in
/// diffusers' first ones.
const ENDS: [(&str, &str); 30] = [
    (".lora_down.weight", "down"),
    (".lora_up.weight", "up"),
    (".lora_mid.weight", "mid"),
    (".lora_A.weight", "down"),
    (".lora_B.weight", "up"),
    (".lora_A.default.weight", "down"),
    (".lora_B.default.weight", "up"),
    (".lora.down.weight", "down"),
    (".lora.up.weight", "up"),
    ("_lora.down.weight", "down"),
    ("_lora.up.weight", "up"),
    (".lora_linear_layer.down.weight", "down"),
    (".lora_linear_layer.up.weight", "up"),
    (".alpha", "alpha"),
    (".dora_scale", "dora_scale"),
    (".lora_magnitude_vector", "magnitude"),
    (".lora_magnitude_vector.weight", "magnitude"),
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
];

/// The tensors of a module: what each is, and its key.
#[derive(Debug, Default)]
pub(crate) struct Parts(BTreeMap<&'static str, String>);

impl Parts {
    /// The module that a key is of, and what it is there.
    pub fn split(key: &str) -> Option<(&str, &'static str)> {
        ENDS.iter().find_map(|(end, part)| Some((key.strip_suffix(end)?, *part)))
    }

    pub fn add(&mut self, part: &'static str, key: &str) {
        self.0.insert(part, key.to_string());
    }

    pub fn keys(&self) -> impl Iterator<Item = &String> {
        self.0.values()
    }

    /// The change that all tensors together make, or `None` where some are missing or too many.
    pub fn change(mut self, source: &Source) -> Result<Option<Change>, WeightsError> {
        let alpha = self.0.remove("alpha").map(|key| source.numbers(&key)).transpose()?;
        let magnitude = self.magnitude(source);
        let product = self.product();
        let is_all = self.0.is_empty();
        let alpha = alpha.and_then(|numbers| numbers.first().copied()).map(f64::from);
        Ok(product.filter(|_| is_all).map(|product| Change { product, alpha, magnitude }))
    }

    /// PEFT's lengths are those of outputs; LyCORIS has either, and shapes them so that they can be multiplied with.
    fn magnitude(&mut self, source: &Source) -> Option<Magnitude> {
        if let Some(key) = self.0.remove("magnitude") {
            return Some(Magnitude { key, is_of_inputs: false });
        }
        let key = self.0.remove("dora_scale")?;
        let is_of_inputs = matches!(source.shape(&key), [1, inputs, ..] if *inputs > 1);
        Some(Magnitude { key, is_of_inputs })
    }

    fn product(&mut self) -> Option<Product> {
        if self.0.contains_key("down") {
            let (output, input) = (self.0.remove("up")?, self.0.remove("down")?);
            return Some(Product::One(match self.0.remove("mid") {
                Some(core) => Factor::Tucker { core, output: Side::OutputRank(output), input },
                None => Factor::Product(output, input),
            }));
        }
        if self.0.contains_key("hada_w1_a") {
            let first = self.factor("hada_t1", "hada_w1_a", "hada_w1_b")?;
            return Some(Product::Hadamard(first, self.factor("hada_t2", "hada_w2_a", "hada_w2_b")?));
        }
        let first = match self.0.remove("lokr_w1") {
            Some(whole) => Factor::Whole(whole),
            None => self.factor("lokr_t1", "lokr_w1_a", "lokr_w1_b")?,
        };
        let second = match self.0.remove("lokr_w2") {
            Some(whole) => Factor::Whole(whole),
            None => self.factor("lokr_t2", "lokr_w2_a", "lokr_w2_b")?,
        };
        Some(Product::Kronecker(first, second))
    }

    fn factor(&mut self, core: &str, output: &str, input: &str) -> Option<Factor> {
        let (output, input) = (self.0.remove(output)?, self.0.remove(input)?);
        Some(match self.0.remove(core) {
            Some(core) => Factor::Tucker { core, output: Side::RankOutput(output), input },
            None => Factor::Product(output, input),
        })
    }
}
