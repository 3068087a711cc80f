//! Words in a LoRA file: textual inversions under `bundle_emb.<word>.`.

use std::collections::BTreeMap;

use super::source::Source;
use crate::WeightsError;
use crate::textual_inversion::{TextualInversion, vectors};

/// The prefix of their keys.
const START: &str = "bundle_emb.";

/// The endings after the word, with the index of the text encoder: of AUTOMATIC1111's web interface, and OneTrainer's for
/// XL.
const ENDS: [(&str, usize); 4] = [(".string_to_param.*", 0), (".emb_params", 0), (".clip_l", 0), (".clip_g", 1)];

/// Reads the words of a file, and lists the keys under the prefix that were not read.
pub(crate) fn words(source: &Source) -> Result<(Vec<TextualInversion>, Vec<String>), WeightsError> {
    let mut words: BTreeMap<&str, BTreeMap<usize, &str>> = BTreeMap::new();
    let mut unknown = Vec::new();
    for key in source.0.keys().filter(|key| is_bundled(key)) {
        let rest = &key[START.len()..];
        match ENDS.iter().find_map(|(end, encoder)| Some((rest.strip_suffix(end)?, *encoder))) {
            // Of two keys for the same word and encoder, the first counts as not read.
            Some((word, encoder)) => {
                unknown.extend(words.entry(word).or_default().insert(encoder, key).map(str::to_string));
            }
            None => unknown.push(key.to_string()),
        }
    }
    let read = |(word, keys): (&str, BTreeMap<usize, &str>)| {
        let vectors = keys.into_values().map(|key| vectors(&source.0, key)).collect::<Result<_, _>>()?;
        Ok(TextualInversion { file: source.file(), word: word.to_string(), vectors, unread: Vec::new() })
    };
    Ok((words.into_iter().map(read).collect::<Result<_, WeightsError>>()?, unknown))
}

pub(crate) fn is_bundled(key: &str) -> bool {
    key.starts_with(START)
}
