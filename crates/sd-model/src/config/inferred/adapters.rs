use sd_weights::Weights;
use serde_json::json;

use super::{count, error, object, size};
use crate::ModelError;
use crate::config::Json;

/// Sides of the squares of pixels that become one: for 1.x and 2.x, and for XL.
const FACTOR: usize = 8;
const XL_FACTOR: usize = 16;

/// Infers the `config.json` of a T2I-Adapter with the names of diffusers.
///
/// # Errors
///
/// [`ModelError::Config`] if it is none, or if it reads drawings with other than 1 or 3 channels.
pub fn t2i_adapter(weights: &Weights) -> Result<Json, ModelError> {
    let is_light = weights.shape("adapter.conv_in.weight").is_none();
    let first = if is_light { "adapter.body.0.in_conv.weight" } else { "adapter.conv_in.weight" };
    let inputs = size(weights, first, 1)?;
    let drawings = [FACTOR, XL_FACTOR].into_iter().flat_map(|factor| [1, 3].map(|channels| (factor, channels)));
    let mut fitting = drawings.filter(|(factor, channels)| inputs == channels * factor * factor);
    let Some((factor, in_channels)) = fitting.next() else {
        return Err(error(
            weights,
            format!("`{first}` has {inputs} inputs, not those of a drawing with 1 or 3 channels"),
        ));
    };
    let block = |level: usize| match is_light {
        true => format!("adapter.body.{level}.out_conv.weight"),
        false => format!("adapter.body.{level}.resnets.0.block1.weight"),
    };
    let mut channels =
        (0..count(weights, block)).map(|level| size(weights, &block(level), 0)).collect::<Result<Vec<_>, _>>()?;
    if is_light {
        // The last block repeats the channels of the one before.
        channels.pop();
    }
    let adapter_type = match (is_light, factor) {
        (true, _) => "light_adapter",
        (false, XL_FACTOR) => "full_adapter_xl",
        (false, _) => "full_adapter",
    };
    let config = json!({
        "_class_name": "T2IAdapter",
        "adapter_type": adapter_type,
        "in_channels": in_channels,
        "channels": channels,
        "num_res_blocks": count(weights, |j| format!("adapter.body.0.resnets.{j}.block1.weight")),
        "downscale_factor": factor,
    });
    Ok(object(weights, config))
}
