//! The configuration of a network, from the names and shapes of its tensors.

use sd_weights::{View, Weights};

use crate::compact::CompactNetConfig;
use crate::foreign;
use crate::names::{compact, rrdb};
use crate::rrdb::RrdbNetConfig;
use crate::{NetworkConfig, UpscaleError};

/// Doublings of the largest network: ×16.
const MOST_DOUBLINGS: usize = 4;

/// Recognises the network of a file. Returns its configuration, and its weights with present names.
///
/// # Errors
///
/// [`UpscaleError::Architecture`] for another network, [`UpscaleError::Unsupported`] for one of a form that is not supported.
pub(crate) fn infer(weights: &Weights) -> Result<(NetworkConfig, Weights), UpscaleError> {
    let has = |weights: &Weights, keys: &[&str]| keys.iter().all(|key| weights.shape(key).is_some());
    for prefix in prefixes(weights) {
        let named = select(weights, &prefix, rrdb)?;
        if has(&named, &["conv_first.weight", "body.0.rdb1.conv1.weight", "conv_last.weight"]) {
            return Ok((NetworkConfig::Rrdb(rrdb_config(&named)?), named));
        }
        let named = select(weights, &prefix, compact)?;
        if has(&named, &["convs.0.weight", "activations.0.alpha"]) {
            return Ok((NetworkConfig::Compact(compact_config(&named)?), named));
        }
    }
    let file = weights.origin().to_path_buf();
    Err(UpscaleError::Architecture { file, found: foreign::describe(weights.keys()) })
}

/// What precedes the names of a network's tensors: the names of the dictionaries around them, such as `params_ema`. Averaged
/// weights come first.
fn prefixes(weights: &Weights) -> Vec<String> {
    const FIRST: [&str; 3] = ["conv_first.weight", "model.0.weight", "body.0.weight"];
    let prefix = |key: &str| {
        let prefix = FIRST.iter().find_map(|first| key.strip_suffix(first))?;
        (prefix.is_empty() || prefix.ends_with('.')).then(|| prefix.to_string())
    };
    let mut found: Vec<String> = weights.keys().filter_map(prefix).collect();
    found.sort_by_key(|prefix| (!prefix.contains("ema"), prefix.len()));
    found
}

/// The tensors after a prefix, by their present names.
fn select(weights: &Weights, prefix: &str, name: fn(&str) -> Option<String>) -> Result<Weights, UpscaleError> {
    let names = |key: &str| {
        let key = key.strip_prefix(prefix)?;
        // A name that is not known stays, and is refused when the weights are loaded.
        Some((name(key).unwrap_or_else(|| key.to_string()), View::Whole))
    };
    Ok(weights.select(|key| names(key).into_iter().collect())?)
}

fn rrdb_config(weights: &Weights) -> Result<RrdbNetConfig, UpscaleError> {
    let [first, last] = ["conv_first.weight", "conv_last.weight"];
    let (inputs, outputs) = (size(weights, first, 1)?, size(weights, last, 0)?);
    let unshuffle = match (inputs, outputs) {
        (3, 3) => 1,
        (12, 3) => 2,
        (48, 3) => 4,
        _ => return Err(channels(weights, inputs, outputs)),
    };
    let config = RrdbNetConfig {
        channels: size(weights, first, 0)?,
        growth: size(weights, "body.0.rdb1.conv1.weight", 0)?,
        blocks: count(weights, |i| format!("body.{i}.rdb1.conv1.weight")),
        doublings: count(weights, |i| format!("conv_up.{i}.weight")),
        unshuffle,
        is_plus: weights.shape("body.0.rdb1.conv1x1.weight").is_some(),
    };
    if config.doublings > MOST_DOUBLINGS || config.scale() == 0 {
        let RrdbNetConfig { doublings, unshuffle, .. } = config;
        let reason = format!("it halves the image {} times and doubles it {doublings} times", unshuffle.ilog2());
        return Err(unsupported(weights, reason));
    }
    Ok(config)
}

fn compact_config(weights: &Weights) -> Result<CompactNetConfig, UpscaleError> {
    let activations = count(weights, |i| format!("activations.{i}.alpha"));
    let inputs = size(weights, "convs.0.weight", 1)?;
    let outputs = size(weights, &format!("convs.{activations}.weight"), 0)?;
    let scale = (1..=1 << MOST_DOUBLINGS).find(|scale| inputs == 3 && 3 * scale * scale == outputs);
    let scale = scale.ok_or_else(|| channels(weights, inputs, outputs))?;
    Ok(CompactNetConfig { channels: size(weights, "convs.0.weight", 0)?, convolutions: activations - 1, scale })
}

/// Counts the tensors with the names `key(0)`, `key(1)` and so on.
fn count(weights: &Weights, key: impl Fn(usize) -> String) -> usize {
    (0..).take_while(|i| weights.shape(&key(*i)).is_some()).count()
}

fn size(weights: &Weights, key: &str, dimension: usize) -> Result<usize, UpscaleError> {
    let size = weights.shape(key).and_then(|shape| shape.get(dimension)).copied().filter(|size| *size > 0);
    size.ok_or_else(|| unsupported(weights, format!("its `{key}` is missing or has an unexpected shape")))
}

fn channels(weights: &Weights, inputs: usize, outputs: usize) -> UpscaleError {
    let reason = format!("it makes {outputs} channels of {inputs}, expected those of an image of red, green and blue");
    unsupported(weights, reason)
}

fn unsupported(weights: &Weights, reason: String) -> UpscaleError {
    UpscaleError::Unsupported { file: weights.origin().to_path_buf(), reason: format!("{reason}: use another network") }
}
