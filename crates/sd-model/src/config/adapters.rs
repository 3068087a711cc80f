use sd_adapters::{
    FullProjectionConfig, ImageAdapterConfig, ImageProjectionConfig, KeysValuesConfig, LayerCounts, ProjectionConfig,
    ResamplerConfig, T2iAdapterConfig, T2iAdapterKind,
};
use sd_unet::{AttentionLayer, Place, UnetConfig, UnetLevel};
use sd_weights::Weights;

use super::inferred::{count, error, size};
use super::json::Json;
use crate::ModelError;

/// Channels of an attention head in the projection of IP-Adapter Plus.
const HEAD: usize = 64;

/// Reads the `config.json` of a T2I-Adapter.
///
/// # Errors
///
/// [`ModelError::Config`] if something is not supported.
pub fn t2i_adapter_config(json: &mut Json) -> Result<T2iAdapterConfig, ModelError> {
    json.only("_class_name", "T2IAdapter")?;
    let kind = match json.take_or("adapter_type", "full_adapter".to_string())?.as_str() {
        "full_adapter" => T2iAdapterKind::Full,
        "full_adapter_xl" => T2iAdapterKind::FullXl,
        "light_adapter" => T2iAdapterKind::Light,
        other => {
            return Err(json.error(format!(
                "`adapter_type` is {other:?}, only \"full_adapter\", \"full_adapter_xl\" and \"light_adapter\" are supported"
            )));
        }
    };
    let config = T2iAdapterConfig {
        kind,
        in_channels: json.count_or("in_channels", 3)?,
        channels: json.channels("channels", Some(vec![320, 640, 1280, 1280]))?,
        num_res_blocks: json.layers_or("num_res_blocks", 2)?,
        downscale_factor: json.count_or("downscale_factor", 8)?,
    };
    json.finish()?;
    let least = if kind == T2iAdapterKind::Light { 4 } else { 1 };
    if config.channels.iter().any(|channels| *channels < least) {
        return Err(json.error(format!("`channels` is {:?}, expected at least {least} each", config.channels)));
    }
    match (kind, &config.channels[..]) {
        (T2iAdapterKind::FullXl, [_, _, third, fourth]) if third == fourth => Ok(config),
        (T2iAdapterKind::FullXl, channels) => Err(json.error(format!(
            "`channels` is {channels:?}, expected four values of which the last two are the same, for a full_adapter_xl"
        ))),
        _ => Ok(config),
    }
}

/// Whether a U-Net can add the feature maps of a T2I-Adapter: whether they have the sizes and the channels of its levels, and of its
/// middle if there is one map more. `factor` is the number of pixels per latent, along each side.
pub fn t2i_adapter_fits(adapter: &T2iAdapterConfig, unet: &UnetConfig, factor: usize) -> bool {
    let last = unet.levels.len() - 1;
    let level = |(i, level): (usize, &UnetLevel)| {
        // It adds a map behind the downsampler of a level without attention.
        let halved = i + usize::from(level.down_attention.is_empty() && i < last);
        (level.channels, factor << halved)
    };
    let middle = (unet.levels[last].channels, factor << last);
    let ends = unet.levels.iter().enumerate().map(level).chain([middle]);
    let maps: Vec<_> = adapter.feature_channels().into_iter().zip(adapter.feature_factors()).collect();
    maps.len() > last && ends.take(maps.len()).eq(maps)
}

/// What the tensors of an IP-Adapter say about it, without a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageAdapterShape {
    /// From what the vision tower saw to tokens.
    pub projection: ProjectionConfig,
    /// Channels of each cross-attention layer, in the order of files: down, up, middle.
    pub channels: Vec<usize>,
}

/// Infers the structure of an IP-Adapter with the names of its modules.
///
/// # Errors
///
/// [`ModelError::Config`] if it is none.
pub fn image_adapter_shape(weights: &Weights) -> Result<ImageAdapterShape, ModelError> {
    let key = |layer: usize| format!("ip_adapter.layers.{layer}.to_k_ip.weight");
    let channels = (0..count(weights, key)).map(|layer| size(weights, &key(layer), 0)).collect::<Result<_, _>>()?;
    Ok(ImageAdapterShape { projection: projection(weights)?, channels })
}

fn projection(weights: &Weights) -> Result<ProjectionConfig, ModelError> {
    let size = |key: &str, dimension| size(weights, &format!("image_proj.{key}"), dimension);
    let has = |key: &str| weights.shape(&format!("image_proj.{key}")).is_some();
    if has("latents") {
        return Ok(ProjectionConfig::Plus(ResamplerConfig {
            image_width: size("proj_in.weight", 1)?,
            width: size("latents", 2)?,
            token_width: size("proj_out.weight", 0)?,
            tokens: size("latents", 1)?,
            layers: count(weights, |layer| format!("image_proj.layers.{layer}.attn.to_q.weight")),
            heads: size("layers.0.attn.to_q.weight", 0)? / HEAD,
        }));
    }
    let token_width = size("norm.weight", 0)?;
    if has("ff.net.0.proj.weight") {
        let image_width = size("ff.net.0.proj.weight", 1)?;
        return Ok(ProjectionConfig::Full(FullProjectionConfig { image_width, token_width }));
    }
    let (outputs, image_width) = (size("image_embeds.weight", 0)?, size("image_embeds.weight", 1)?);
    if token_width == 0 || !outputs.is_multiple_of(token_width) {
        return Err(error(weights, format!("an IP-Adapter whose {outputs} values are not tokens of {token_width}")));
    }
    let tokens = outputs / token_width;
    Ok(ProjectionConfig::Plain(ImageProjectionConfig { image_width, token_width, tokens }))
}

impl ImageAdapterShape {
    /// Returns the network's configuration beside a U-Net; `None` if the adapter is for a U-Net of another family, whose attention
    /// has other channels or reads other tokens.
    pub fn config(&self, unet: &UnetConfig) -> Option<ImageAdapterConfig> {
        let (counts, layers) = (layer_counts(unet), unet.attention_layers());
        let token_width = self.projection.token_width();
        let fits = counts
            .run_order()
            .iter()
            .zip(&layers)
            .all(|(place, layer)| self.channels.get(*place) == Some(&layer.channels));
        let fits = fits && self.channels.len() == layers.len() && token_width == unet.cross_attention_dim;
        let keys_values = KeysValuesConfig { token_width, channels: self.channels.clone(), counts };
        fits.then_some(ImageAdapterConfig { projection: self.projection, keys_values })
    }
}

/// Counts the cross-attention layers in the parts of a U-Net.
pub fn layer_counts(unet: &UnetConfig) -> LayerCounts {
    let layers = unet.attention_layers();
    let count = |is: fn(Place) -> bool| layers.iter().filter(|AttentionLayer { place, .. }| is(*place)).count();
    LayerCounts {
        down: count(|place| matches!(place, Place::Down(_))),
        middle: count(|place| matches!(place, Place::Middle)),
        up: count(|place| matches!(place, Place::Up(_))),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn read(text: &str) -> Result<T2iAdapterConfig, ModelError> {
        Json::parse(Path::new("config.json"), text).unwrap().strictly(t2i_adapter_config)
    }

    #[test]
    fn the_configs_of_published_adapters_are_read() {
        let text = r#"{"_class_name": "T2IAdapter", "_diffusers_version": "0.16.0.dev0", "adapter_type": "full_adapter",
            "channels": [320, 640, 1280, 1280], "downscale_factor": 8, "in_channels": 1, "num_res_blocks": 2}"#;
        assert_eq!(read(text).unwrap(), T2iAdapterConfig::full(1));
        let xl = text.replace("full_adapter", "full_adapter_xl").replace(": 8", ": 16").replace(": 1,", ": 3,");
        assert_eq!(read(&xl).unwrap(), T2iAdapterConfig::full_xl(3));
        let light = r#"{"adapter_type": "light_adapter", "channels": [320, 640, 1280], "num_res_blocks": 4}"#;
        assert_eq!(read(light).unwrap(), T2iAdapterConfig::light(3));
        assert_eq!(read("{}").unwrap(), T2iAdapterConfig::full(3));
    }

    #[test]
    fn configs_that_no_network_has_are_refused() {
        for (text, expected) in [
            (r#"{"adapter_type": "style"}"#, "`adapter_type` is \"style\", only \"full_adapter\""),
            (r#"{"adapter_type": "full_adapter_xl", "channels": [4, 8, 16]}"#, "expected four values"),
            (r#"{"adapter_type": "full_adapter_xl", "channels": [4, 8, 16, 8]}"#, "the last two are the same"),
            (r#"{"adapter_type": "light_adapter", "channels": [3]}"#, "expected at least 4 each"),
            (r#"{"channels": [4, 0]}"#, "expected at least 1 each"),
            (r#"{"num_res_blocks": 0}"#, "`num_res_blocks` is 0"),
            (r#"{"_class_name": "MultiAdapter"}"#, "only \"T2IAdapter\" is supported"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn an_adapter_fits_the_u_nets_of_its_family() {
        let (sd, xl) = ([UnetConfig::sd1(), UnetConfig::sd2()], UnetConfig::sdxl());
        for unet in &sd {
            assert!(t2i_adapter_fits(&T2iAdapterConfig::full(3), unet, 8));
            assert!(t2i_adapter_fits(&T2iAdapterConfig::light(3), unet, 8));
            assert!(!t2i_adapter_fits(&T2iAdapterConfig::full_xl(3), unet, 8));
        }
        assert!(t2i_adapter_fits(&T2iAdapterConfig::full_xl(1), &xl, 8));
        assert!(!t2i_adapter_fits(&T2iAdapterConfig::full(1), &xl, 8));
        let narrow = T2iAdapterConfig { channels: vec![160, 320, 640, 640], ..T2iAdapterConfig::full(3) };
        assert!(!t2i_adapter_fits(&narrow, &sd[0], 8) && !t2i_adapter_fits(&T2iAdapterConfig::full(3), &sd[0], 4));
    }

    #[test]
    fn layers_of_the_published_u_nets_are_counted() {
        assert_eq!(layer_counts(&UnetConfig::sd1()), LayerCounts { down: 6, middle: 1, up: 9 });
        assert_eq!(layer_counts(&UnetConfig::sdxl()), LayerCounts { down: 24, middle: 10, up: 36 });
    }
}
