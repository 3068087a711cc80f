use std::path::Path;

use sd_files::write_atomically;

use crate::{Format, ImageError};

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
    /// Writes a PNG, JPEG or WebP file, by its extension: first to a temporary file beside `path`, which is renamed once
    /// complete. A pipe or a device gets a PNG, unless its name ends otherwise.
    ///
    /// # Errors
    ///
    /// As [`Format::from_path`] and [`encode`](Self::encode), and [`ImageError::Io`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), ImageError> {
        self.save_with_text(path, &[])
    }

    /// As [`save`](Self::save), with texts that other programs read, each with its keyword.
    ///
    /// # Errors
    ///
    /// As [`save`](Self::save).
    pub fn save_with_text(&self, path: impl AsRef<Path>, texts: &[(&str, &str)]) -> Result<(), ImageError> {
        let path = path.as_ref();
        self.save_as(path, Format::from_path(path)?, texts)
    }

    /// As [`save_with_text`](Self::save_with_text), in a format that the name does not say.
    ///
    /// # Errors
    ///
    /// As [`encode`](Self::encode), and [`ImageError::Io`].
    pub fn save_as(&self, path: impl AsRef<Path>, format: Format, texts: &[(&str, &str)]) -> Result<(), ImageError> {
        let path = path.as_ref();
        let bytes = self.encode(format, texts).map_err(|error| match error {
            ImageError::Encoding(reason) => ImageError::Image { file: path.to_path_buf(), reason },
            error => error,
        })?;
        write_atomically(path, |file| file.write_all(&bytes))
            .map_err(|source| ImageError::Io { file: path.to_path_buf(), source })
    }
}
