use sd_device::host_memory;
use sd_train::tasks::{Diffusion, EncodedText, TextToLatents};

use crate::event::busy;
use crate::{RecipeError, Watch};

/// Captions that are encoded at once.
const AT_ONCE: usize = 16;

/// The share of the machine's memory that encoded captions may take.
const SHARE: f64 = 0.25;

/// Encodes the captions of a task once, for text encoders that are not trained: not if their tags are shuffled, nor if there are so
/// many that they would take too much memory.
pub(super) fn with_encoded_captions(
    diffusion: Diffusion,
    networks: &TextToLatents,
    width: usize,
    watch: &mut Watch,
) -> Result<Diffusion, RecipeError> {
    let Some(captions) = diffusion.distinct_captions() else { return Ok(diffusion) };
    let bytes = 4.0 * (captions.len() * captions[0].len() * width) as f64;
    if host_memory().is_some_and(|all| bytes > SHARE * all as f64) {
        return Ok(diffusion);
    }
    let mut parts = Vec::new();
    for (number, some) in captions.chunks(AT_ONCE).enumerate() {
        busy(watch, "encoding the captions", number * AT_ONCE, captions.len())?;
        parts.push(networks.encode(some));
    }
    Ok(diffusion.with_encoded_captions(&captions, EncodedText::cat(parts)))
}
