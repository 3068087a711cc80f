//! The options, which clients read, change and write back as a whole.

use std::sync::{Arc, RwLock};

use sd_image::Format;
use serde_json::{Map, Value, json};

use super::SdapiError;
use super::fields::Fields;

/// The largest options in bytes of JSON.
const LARGEST: usize = 1 << 20;

/// The options of the server. They last until it stops.
#[derive(Debug, Clone, Default)]
pub(super) struct Settings(Arc<RwLock<Map<String, Value>>>);

/// What the options choose for one request.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Chosen {
    /// The model; none is the library's default.
    pub model: Option<String>,
    /// The autoencoder; none is the model's own.
    pub vae: Option<String>,
    /// The layer of the text encoder, counted from the last; none is the model's.
    pub clip_skip: Option<usize>,
    /// The format of images in responses.
    pub format: Format,
    /// Whether images say how they were drawn.
    pub metadata: bool,
}

impl Settings {
    /// Returns all options: those that this server knows, and those that clients have written.
    pub fn all(&self) -> Map<String, Value> {
        let mut all = defaults();
        let written = self.0.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        all.extend(written.iter().map(|(name, value)| (name.clone(), value.clone())));
        all
    }

    /// Writes options, and leaves the others as they are.
    ///
    /// # Errors
    ///
    /// Values of known options that cannot be used, and options that are too large altogether. Then nothing is written.
    pub fn write(&self, options: &Map<String, Value>) -> Result<(), SdapiError> {
        chosen(options)?;
        let mut written = self.0.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut new = written.clone();
        new.extend(options.iter().map(|(name, value)| (name.clone(), value.clone())));
        if serde_json::to_vec(&new).map_or(usize::MAX, |json| json.len()) > LARGEST {
            return Err(SdapiError::unprocessable(format!("the options would have more than {LARGEST} bytes")));
        }
        *written = new;
        Ok(())
    }

    /// What the options choose, with those of one request in front.
    ///
    /// # Errors
    ///
    /// Values that cannot be used.
    pub fn chosen(&self, overrides: &Map<String, Value>) -> Result<Chosen, SdapiError> {
        let mut all = self.all();
        all.extend(overrides.iter().map(|(name, value)| (name.clone(), value.clone())));
        chosen(&all)
    }
}

/// What these options alone choose.
///
/// # Errors
///
/// Values that cannot be used.
pub(super) fn chosen(options: &Map<String, Value>) -> Result<Chosen, SdapiError> {
    let fields = Fields::of_body(options);
    let none = |name: &&str| !["none", "automatic"].contains(&name.to_ascii_lowercase().as_str());
    let quality = fields.integer_in("jpeg_quality", 1, 100)?.unwrap_or(80) as u8;
    let format = match fields.filled_text("samples_format")?.unwrap_or("png").to_ascii_lowercase().as_str() {
        "png" => Format::Png,
        "jpg" | "jpeg" => Format::Jpeg { quality },
        "webp" => Format::WebP,
        other => return Err(fields.wrong("samples_format", format!("{other:?}: expected png, jpg or webp"))),
    };
    Ok(Chosen {
        model: fields.filled_text("sd_model_checkpoint")?.map(str::to_owned),
        vae: fields.filled_text("sd_vae")?.filter(none).map(str::to_owned),
        // 1 is the last layer, as it is if nothing is said.
        clip_skip: fields
            .integer_in("CLIP_stop_at_last_layers", 0, 100)?
            .filter(|skip| *skip > 1)
            .map(|skip| skip as usize),
        format,
        metadata: fields.flag("enable_pnginfo")?.unwrap_or(true),
    })
}

fn defaults() -> Map<String, Value> {
    let defaults = json!({
        "samples_format": "png",
        "jpeg_quality": 80,
        "webp_lossless": true,
        "enable_pnginfo": true,
        "samples_save": true,
        "grid_save": false,
        "return_grid": false,
        "sd_model_checkpoint": null,
        "sd_checkpoint_hash": null,
        "sd_vae": "Automatic",
        "CLIP_stop_at_last_layers": 1,
        "emphasis": "Original",
        "eta_noise_seed_delta": 0,
        "randn_source": "CPU",
        "img2img_background_color": "#ffffff",
        "live_previews_enable": true,
        "show_progress_every_n_steps": 1,
    });
    match defaults {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        let Value::Object(fields) = value else { panic!("not an object") };
        fields
    }

    #[test]
    fn all_options_can_be_written_back_with_one_changed() {
        let settings = Settings::default();
        let mut all = settings.all();
        all.insert("sd_model_checkpoint".into(), json!("anime.safetensors [0123456789]"));
        all.insert("of_an_extension".into(), json!({"a": [1]}));
        settings.write(&all).unwrap();
        assert_eq!(settings.all(), all);
        let chosen = settings.chosen(&Map::new()).unwrap();
        assert_eq!(chosen.model.as_deref(), Some("anime.safetensors [0123456789]"));
        assert_eq!((chosen.vae, chosen.clip_skip, chosen.format), (None, None, Format::Png));
    }

    #[test]
    fn a_request_overrides_options_for_itself() {
        let settings = Settings::default();
        settings.write(&object(json!({"CLIP_stop_at_last_layers": 2, "sd_vae": "sharp.pt"}))).unwrap();
        let overrides =
            object(json!({"CLIP_stop_at_last_layers": "3", "sd_vae": "Automatic", "samples_format": "jpg"}));
        let chosen = settings.chosen(&overrides).unwrap();
        assert_eq!((chosen.vae, chosen.clip_skip), (None, Some(3)));
        assert_eq!(chosen.format, Format::Jpeg { quality: 80 });
        let unchanged = settings.chosen(&Map::new()).unwrap();
        assert_eq!((unchanged.vae.as_deref(), unchanged.clip_skip), (Some("sharp.pt"), Some(2)));
    }

    #[test]
    fn options_that_cannot_be_used_change_nothing() {
        let settings = Settings::default();
        for wrong in [
            json!({"samples_format": "tiff", "sd_vae": "a"}),
            json!({"CLIP_stop_at_last_layers": "many", "sd_vae": "a"}),
            json!({"sd_model_checkpoint": 1, "sd_vae": "a"}),
            json!({"large": "x".repeat(LARGEST)}),
        ] {
            assert!(settings.write(&object(wrong)).is_err());
        }
        assert_eq!(settings.all(), defaults());
    }
}
