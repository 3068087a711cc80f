use std::path::Path;

use sd_files::write_atomically;

use crate::ImageError;

/// An image of 8-bit red, green and blue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// `height·width·3` bytes, row by row from the top.
    pub rgb: Vec<u8>,
}

impl Image {
    /// Writes a PNG file: first to a temporary file beside `path`, which is renamed once complete.
    ///
    /// # Errors
    ///
    /// [`ImageError::Io`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), ImageError> {
        self.save_with_text(path, &[])
    }

    /// As [`save`](Self::save), with texts that image viewers show, each with its keyword.
    ///
    /// # Errors
    ///
    /// [`ImageError::Io`].
    pub fn save_with_text(&self, path: impl AsRef<Path>, texts: &[(&str, &str)]) -> Result<(), ImageError> {
        let path = path.as_ref();
        write_atomically(path, |file| {
            let mut encoder = png::Encoder::new(file, self.width as u32, self.height as u32);
            encoder.set_color(png::ColorType::Rgb);
            encoder.set_depth(png::BitDepth::Eight);
            for (keyword, text) in texts {
                encoder.add_itxt_chunk(keyword.to_string(), text.to_string())?;
            }
            let mut writer = encoder.write_header()?;
            writer.write_image_data(&self.rgb)?;
            Ok(writer.finish()?)
        })
        .map_err(|source| ImageError::Io { file: path.to_path_buf(), source })
    }
}
