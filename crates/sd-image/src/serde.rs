//! Images and masks as text: PNG files in base64, as web interfaces exchange them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Error as _, Serialize, Serializer};

use crate::{Image, Mask};

impl Serialize for Image {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = text(&self.rgb, self.width, self.height, png::ColorType::Rgb);
        serializer.serialize_str(&text.map_err(S::Error::custom)?)
    }
}

impl<'de> Deserialize<'de> for Image {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::decode(&bytes(deserializer)?).map_err(D::Error::custom)
    }
}

impl Serialize for Mask {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = text(&self.values, self.width, self.height, png::ColorType::Grayscale);
        serializer.serialize_str(&text.map_err(S::Error::custom)?)
    }
}

impl<'de> Deserialize<'de> for Mask {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::decode(&bytes(deserializer)?).map_err(D::Error::custom)
    }
}

fn text(pixels: &[u8], width: usize, height: usize, colour: png::ColorType) -> Result<String, png::EncodingError> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width as u32, height as u32);
    encoder.set_color(colour);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(STANDARD.encode(file))
}

/// The bytes of base64 text, perhaps with the start of a data URL.
fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let data = match text.strip_prefix("data:").and_then(|url| url.split_once(";base64,")) {
        Some((_, data)) => data,
        None => &text,
    };
    STANDARD.decode(data).map_err(|error| D::Error::custom(format!("an image in base64 is needed: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_and_masks_come_back_from_their_text() {
        let image = Image { width: 3, height: 2, rgb: (0..18).map(|i| i * 14).collect() };
        let text = serde_json::to_string(&image).unwrap();
        assert_eq!(serde_json::from_str::<Image>(&text).unwrap(), image);
        let url = format!("\"data:image/png;base64,{}", &text[1..]);
        assert_eq!(serde_json::from_str::<Image>(&url).unwrap(), image);
        let mask = Mask { width: 2, height: 3, values: vec![0, 1, 127, 128, 254, 255] };
        assert_eq!(serde_json::from_str::<Mask>(&serde_json::to_string(&mask).unwrap()).unwrap(), mask);
    }

    #[test]
    fn text_that_is_no_image_is_refused() {
        for (text, reason) in [("\"*\"", "base64"), ("\"aGFsbG8=\"", "PNG, JPEG or WebP")] {
            let error = serde_json::from_str::<Image>(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
