use sd_vae::AutoencoderTinyConfig;

use super::json::Json;
use crate::ModelError;

/// Reads the `config.json` of an AutoencoderTiny.
///
/// # Errors
///
/// [`ModelError::Config`] if something is missing or not supported.
pub fn tiny_config(json: &mut Json) -> Result<AutoencoderTinyConfig, ModelError> {
    json.only("_class_name", "AutoencoderTiny")?;
    json.only("act_fn", "relu")?;
    json.only("upsample_fn", "nearest")?;
    json.only("in_channels", 3)?;
    json.only("out_channels", 3)?;
    json.only("upsampling_scaling_factor", 2)?;
    // The last two are for storing latents as bytes, which nothing here does; diffusers uses neither shift.
    json.ignore(&["block_out_channels", "force_upcast", "shift_factor", "latent_magnitude", "latent_shift"]);
    let published = AutoencoderTinyConfig::taesd();
    let config = AutoencoderTinyConfig {
        encoder_block_out_channels: json
            .channels("encoder_block_out_channels", Some(published.encoder_block_out_channels))?,
        decoder_block_out_channels: json
            .channels("decoder_block_out_channels", Some(published.decoder_block_out_channels))?,
        num_encoder_blocks: json.take_or("num_encoder_blocks", published.num_encoder_blocks)?,
        num_decoder_blocks: json.take_or("num_decoder_blocks", published.num_decoder_blocks)?,
        latent_channels: json.count_or("latent_channels", published.latent_channels)?,
        scaling_factor: json.take_or("scaling_factor", published.scaling_factor)?,
    };
    json.finish()?;
    for (channels, blocks, side) in [
        (&config.encoder_block_out_channels, &config.num_encoder_blocks, "encoder"),
        (&config.decoder_block_out_channels, &config.num_decoder_blocks, "decoder"),
    ] {
        json.check_layers(&format!("num_{side}_blocks"), blocks)?;
        let is_even = channels.windows(2).all(|pair| pair[0] == pair[1]);
        if channels.len() != blocks.len() || channels.contains(&0) || !is_even {
            let found = format!("`{side}_block_out_channels` is {channels:?}, `num_{side}_blocks` {blocks:?}");
            return Err(json.error(format!("{found}: expected lists of the same length, and all channels the same")));
        }
    }
    if !(config.scaling_factor.is_finite() && config.scaling_factor > 0.0) {
        return Err(json.error(format!("`scaling_factor` is {}, expected a number above 0", config.scaling_factor)));
    }
    Ok(config)
}
