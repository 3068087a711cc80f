//! The changes that the tensors of a module make, by kind.

use super::delta::Delta;
use super::factor::{Factor, Side};
use super::glora::Glora;
use super::magnitude::{Magnitude, Rule};
use super::multiple::Multiple;
use super::parts::Parts;
use super::peft_config::Settings;
use super::product::Product;
use super::rotation::{Kind, Rotation, Upper};
use super::source::Source;
use super::target::Slot;
use crate::WeightsError;

/// A change of one of a module's tensors.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Part {
    pub slot: Slot,
    pub delta: Delta,
    /// Whether the model may lack the tensor.
    pub is_optional: bool,
}

/// The tensors and settings of a module that are left to turn into changes.
struct Builder<'a> {
    parts: Parts,
    source: &'a Source,
    settings: Option<Settings<'a>>,
    alpha: Option<f64>,
}

/// Turns the tensors of a module into changes; `None` if some are missing or left over.
pub(crate) fn changes(
    mut parts: Parts,
    source: &Source,
    settings: Option<Settings>,
) -> Result<Option<Vec<Part>>, WeightsError> {
    let alpha = parts.take("alpha").map(|key| source.scalar(&key)).transpose()?;
    let mut builder = Builder { parts, source, settings, alpha };
    let mut all = builder.low_rank()?;
    all.extend(builder.glora()?.map(|delta| part(Slot::Weight, delta)));
    all.extend(builder.rotation()?.map(|rotation| part(Slot::Weight, Delta::Rotation(rotation))));
    all.extend(builder.multiple()?);
    for (name, slot) in [("diff", Slot::Weight), ("diff_b", Slot::Bias)] {
        all.extend(builder.parts.take(name).map(|key| part(slot, Delta::Difference(key, 1.0))));
    }
    for (name, slot) in [("weight", Slot::Weight), ("bias", Slot::Bias)] {
        all.extend(builder.parts.take(name).map(|key| part(slot, Delta::Replacement(key))));
    }
    Ok((builder.parts.is_empty() && !all.is_empty()).then_some(all))
}

fn part(slot: Slot, delta: Delta) -> Part {
    Part { slot, delta, is_optional: false }
}

impl Builder<'_> {
    /// Returns the factor of a low-rank change: the file's alpha over the rank, else that of PEFT's settings, else 1.
    fn strength(&self, rank: Option<usize>) -> Result<f64, WeightsError> {
        match (self.alpha, &self.settings) {
            (Some(alpha), _) => Ok(rank.map_or(1.0, |rank| alpha / rank as f64)),
            (None, Some(settings)) => settings.strength(rank),
            (None, None) => Ok(1.0),
        }
    }

    fn low_rank(&mut self) -> Result<Vec<Part>, WeightsError> {
        let Some(product) = self.product() else { return Ok(Vec::new()) };
        let strength = self.strength(product.rank(self.source))?;
        let delta = match self.magnitude() {
            Some(magnitude) => Delta::Dora(product, strength, magnitude),
            None => Delta::LowRank(product, strength),
        };
        let bias = self.parts.take("up_bias").map(|key| part(Slot::Bias, Delta::Difference(key, strength)));
        Ok([part(Slot::Weight, delta)].into_iter().chain(bias).collect())
    }

    fn magnitude(&mut self) -> Option<Magnitude> {
        let rules = [("dora_scale", Rule::Lycoris), ("magnitude", Rule::Peft)];
        rules.into_iter().find_map(|(name, rule)| Some(Magnitude { key: self.parts.take(name)?, rule }))
    }

    fn product(&mut self) -> Option<Product> {
        if self.parts.has("down") {
            let (output, input) = (self.parts.take("up")?, self.parts.take("down")?);
            return Some(Product::One(match self.parts.take("mid") {
                Some(core) => Factor::Tucker { core, output: Side::OutputRank(output), input },
                None => Factor::Product(output, input),
            }));
        }
        if self.parts.has("embedding_a") {
            let (output, input) = (self.parts.take("embedding_a")?, self.parts.take("embedding_b")?);
            return Some(Product::One(Factor::Transposed(output, input)));
        }
        if self.parts.has("hada_w1_a") {
            let first = self.factor("hada_t1", "hada_w1_a", "hada_w1_b")?;
            return Some(Product::Hadamard(first, self.factor("hada_t2", "hada_w2_a", "hada_w2_b")?));
        }
        let first = match self.parts.take("lokr_w1") {
            Some(whole) => Factor::Whole(whole),
            None => self.factor("lokr_t1", "lokr_w1_a", "lokr_w1_b")?,
        };
        let second = match self.parts.take("lokr_w2") {
            Some(whole) => Factor::Whole(whole),
            None => self.factor("lokr_t2", "lokr_w2_a", "lokr_w2_b")?,
        };
        Some(Product::Kronecker(first, second))
    }

    fn factor(&mut self, core: &str, output: &str, input: &str) -> Option<Factor> {
        let (output, input) = (self.parts.take(output)?, self.parts.take(input)?);
        Some(match self.parts.take(core) {
            Some(core) => Factor::Tucker { core, output: Side::RankOutput(output), input },
            None => Factor::Product(output, input),
        })
    }

    fn glora(&mut self) -> Result<Option<Delta>, WeightsError> {
        let mut pair = |first, second| Some([self.parts.take(first)?, self.parts.take(second)?]);
        let (Some(a), Some(b)) = (pair("a1", "a2"), pair("b1", "b2")) else { return Ok(None) };
        let glora = Glora::new(a, b, self.source);
        let strength = self.strength(glora.rank(self.source))?;
        Ok(Some(Delta::Glora(glora, strength)))
    }

    fn rotation(&mut self) -> Result<Option<Rotation>, WeightsError> {
        // In kohya's and LyCORIS' files alpha is not a strength, but the limit of the rotation.
        let limit = self.alpha.unwrap_or(0.0);
        Ok(if let Some(key) = self.parts.take("oft_blocks") {
            let is_boft = self.source.shape(&key).len() == 4;
            let kind = if is_boft { Kind::Boft { limit } } else { Kind::Oft { limit } };
            Some(Rotation { key, kind, lengths: self.parts.take("rescale") })
        } else if let Some(key) = self.parts.take("oft_diag") {
            Some(Rotation { key, kind: Kind::Ready, lengths: self.parts.take("rescale") })
        } else if let Some(key) = self.parts.take("boft_r") {
            Some(Rotation { key, kind: Kind::Butterfly, lengths: self.parts.take("boft_s") })
        } else if let Some(key) = self.parts.take("oft_r") {
            let upper = self.upper(&key)?;
            Some(Rotation { key, kind: Kind::Upper(upper), lengths: None })
        } else {
            None
        })
    }

    fn upper(&mut self, key: &str) -> Result<Upper, WeightsError> {
        let is_scaled = self.parts.take("scaled_oft").map(|key| self.source.scalar(&key)).transpose()?;
        let is_onetrainers = !key.starts_with("base_model.") && self.settings.is_none();
        let mut upper = Upper {
            terms: Some(5),
            limit: None,
            is_scaled: is_scaled.is_some_and(|value| value != 0.0),
            is_onetrainers,
        };
        if let Some(settings) = &self.settings {
            let terms = settings.number("num_cayley_neumann_terms", 5.0)? as usize;
            upper.terms = (!settings.is_off("use_cayley_neumann")).then_some(terms);
            upper.limit = if settings.is_on("coft") { Some(settings.number("eps", 6e-5)?) } else { None };
        }
        Ok(upper)
    }

    fn multiple(&mut self) -> Result<Vec<Part>, WeightsError> {
        if let Some(on_input) = self.parts.take("on_input") {
            let is_of_inputs = self.source.scalar(&on_input)? != 0.0;
            let Some(key) = self.parts.take("weight") else { return Ok(Vec::new()) };
            return Ok(vec![part(Slot::Weight, Delta::Multiple(Multiple { key, is_of_inputs, neutral: 0.0 }))]);
        }
        let Some(key) = self.parts.take("ia3_l") else { return Ok(Vec::new()) };
        // The factors of a matrix have a shape that multiplies it directly; those of a convolution do not.
        let is_of_inputs = match (self.source.shape(&key), &self.settings) {
            ([1, _], _) => true,
            ([1, _, ..], Some(settings)) => settings.is_feedforward()?,
            _ => false,
        };
        let delta = Delta::Multiple(Multiple { key, is_of_inputs, neutral: 1.0 });
        let bias = (!is_of_inputs).then(|| Part { slot: Slot::Bias, delta: delta.clone(), is_optional: true });
        Ok([part(Slot::Weight, delta)].into_iter().chain(bias).collect())
    }
}
