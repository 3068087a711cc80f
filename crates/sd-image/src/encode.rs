use image::codecs::jpeg::JpegEncoder;
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder};

use crate::texts::exif_of;
use crate::{Format, Image, ImageError};

/// The most pixels of a side in a JPEG file.
const JPEG_SIDE: usize = 65_535;

/// The most bytes of EXIF data in a JPEG file: a segment's, without its length and its mark.
const JPEG_EXIF: usize = 65_535 - 2 - 6;

/// The most pixels of a side in a WebP file.
const WEBP_SIDE: usize = 16_384;

impl Image {
    /// Returns the bytes of a file, with texts that other programs read, each with its keyword.
    ///
    /// A PNG file has any texts: as `tEXt` where they are Latin-1, else as `iTXt`, as Pillow writes them. JPEG and WebP files
    /// have EXIF data: the text `parameters` is the user's comment, in UTF-16, as AUTOMATIC1111 writes it, and the others are
    /// the image's description, each as `keyword:text`. A JPEG file holds 64 KiB of them: of texts that do not fit, the last
    /// are left out.
    ///
    /// # Errors
    ///
    /// [`ImageError::Encoding`] for an image that is too large for the format, and for a keyword that PNG does not allow.
    pub fn encode(&self, format: Format, texts: &[(&str, &str)]) -> Result<Vec<u8>, ImageError> {
        match format {
            Format::Png => self.png(texts).map_err(|error| ImageError::Encoding(error.to_string())),
            Format::Jpeg { quality } => {
                self.check_side("JPEG", JPEG_SIDE)?;
                let mut bytes = Vec::new();
                let encoder = JpegEncoder::new_with_quality(&mut bytes, quality.clamp(1, 100));
                self.write(encoder, fitting_exif(texts))?;
                Ok(bytes)
            }
            Format::WebP => {
                self.check_side("WebP", WEBP_SIDE)?;
                let mut bytes = Vec::new();
                self.write(WebPEncoder::new_lossless(&mut bytes), exif_of(texts))?;
                Ok(bytes)
            }
        }
    }

    fn png(&self, texts: &[(&str, &str)]) -> Result<Vec<u8>, png::EncodingError> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width as u32, self.height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        for (keyword, text) in texts {
            let (keyword, text) = (keyword.to_string(), text.to_string());
            match text.chars().all(|char| u32::from(char) < 256) {
                true => encoder.add_text_chunk(keyword, text)?,
                false => encoder.add_itxt_chunk(keyword, text)?,
            }
        }
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.rgb)?;
        writer.finish()?;
        Ok(bytes)
    }

    fn write(&self, mut encoder: impl ImageEncoder, exif: Option<Vec<u8>>) -> Result<(), ImageError> {
        let encoding = |error: String| ImageError::Encoding(error.replace('\n', " "));
        if let Some(exif) = exif {
            encoder.set_exif_metadata(exif).map_err(|error| encoding(error.to_string()))?;
        }
        encoder
            .write_image(&self.rgb, self.width as u32, self.height as u32, ExtendedColorType::Rgb8)
            .map_err(|error| encoding(error.to_string()))
    }

    fn check_side(&self, format: &str, most: usize) -> Result<(), ImageError> {
        if self.width.max(self.height) <= most {
            return Ok(());
        }
        Err(ImageError::Encoding(format!(
            "it has {}×{} pixels, and a {format} image at most {most} a side: write a PNG file",
            self.width, self.height
        )))
    }
}

/// EXIF data that fit into a JPEG file.
fn fitting_exif(texts: &[(&str, &str)]) -> Option<Vec<u8>> {
    (1..=texts.len()).rev().filter_map(|count| exif_of(&texts[..count])).find(|exif| exif.len() <= JPEG_EXIF)
}
