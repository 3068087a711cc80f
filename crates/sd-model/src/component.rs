use std::collections::BTreeMap;

use sd_weights::Weights;
use sd_weights::single_file::Family;

/// One network of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// Its name in the diffusers layout.
    pub name: &'static str,
    /// Number of parameters.
    pub parameters: usize,
    /// The types of the weights in the file, the most frequent first.
    pub precision: Vec<String>,
}

/// The name of a family, in words.
pub(crate) fn name_of_family(family: Family) -> &'static str {
    match family {
        Family::Sd1 => "Stable Diffusion 1.x",
        Family::Sd2 => "Stable Diffusion 2.x",
        Family::Xl => "Stable Diffusion XL",
        Family::XlRefiner => "Stable Diffusion XL, refiner",
    }
}

pub(crate) fn component(name: &'static str, weights: &Weights) -> Component {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for key in weights.keys() {
        let (Some(stored), Some(shape)) = (weights.stored_type(key), weights.shape(key)) else { continue };
        *counts.entry(stored.to_string()).or_default() += shape.iter().product::<usize>();
    }
    let mut precision: Vec<(String, usize)> = counts.into_iter().collect();
    precision.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let precision = precision.into_iter().map(|(dtype, _)| dtype).collect();
    Component { name, parameters: weights.elements(), precision }
}
