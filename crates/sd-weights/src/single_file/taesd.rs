//! TAESD, an autoencoder of two sequences of layers, in a file each or in one together. The original program numbers the
//! clamp in front of the decoder; the diffusers layout does not.

use std::collections::BTreeSet;

use crate::{View, Weights, WeightsError};

/// ComfyUI's scale and shift of latents, which are stored beside the layers.
const UNREAD: [&str; 2] = ["vae_scale", "vae_shift"];

/// Renames the weights to the diffusers layout, if they are TAESD's.
pub(super) fn taesd(weights: &Weights) -> Option<Result<Weights, WeightsError>> {
    // Only TAESD's residual blocks have this name.
    let blocks = weights.keys().filter_map(|key| key.strip_suffix(".conv.0.weight"));
    let prefixes: BTreeSet<&str> = blocks.map(|block| block.trim_end_matches(|c: char| c.is_ascii_digit())).collect();
    let sequences: Vec<Sequence> = prefixes.into_iter().filter_map(|prefix| Sequence::find(weights, prefix)).collect();
    if sequences.is_empty() {
        return None;
    }
    if sequences.iter().all(|sequence| sequence.side == "encoder") {
        let (file, what) = (weights.origin().to_path_buf(), "the encoder of TAESD alone".to_string());
        let remedy = "images need the decoder: name taesd_decoder".into();
        return Some(Err(WeightsError::NotAModel { file, what, remedy }));
    }
    Some(weights.select(|key| {
        let name = sequences.iter().find_map(|sequence| sequence.renamed(key)).unwrap_or_else(|| key.to_string());
        let is_unread = UNREAD.iter().any(|end| name.ends_with(end));
        if is_unread { Vec::new() } else { vec![(name, View::Whole)] }
    }))
}

/// The encoder's sequence of layers, or the decoder's.
struct Sequence<'a> {
    /// The prefix of its layers' numbers.
    prefix: &'a str,
    side: &'static str,
    /// The number of its first convolution.
    first: usize,
}

impl<'a> Sequence<'a> {
    fn find(weights: &Weights, prefix: &'a str) -> Option<Self> {
        let shape = |first: usize| weights.shape(&format!("{prefix}{first}.weight"));
        let (first, shape) = (0..2).find_map(|first| Some((first, shape(first)?)))?;
        // The encoder begins with an image, the decoder with latents.
        let side = if shape.get(1) == Some(&3) { "encoder" } else { "decoder" };
        Some(Self { prefix, side, first })
    }

    fn renamed(&self, key: &str) -> Option<String> {
        let (number, rest) = key.strip_prefix(self.prefix)?.split_once('.')?;
        let number = number.parse::<usize>().ok()?.checked_sub(self.first)?;
        Some(format!("{}.layers.{number}.{rest}", self.side))
    }
}
