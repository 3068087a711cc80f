//! Reading image files.

use std::path::Path;

use image::DynamicImage;

use crate::decode::decoded;
use crate::{Image, ImageError, Mask};

impl Image {
    /// Reads a PNG, JPEG or WebP file, whatever its extension. The image is turned by the orientation in its EXIF data, or
    /// else in its XMP data. The alpha channel is dropped; of an animation, the first image is read.
    ///
    /// The pixels are those of Pillow's `convert("RGB")` after diffusers' `load_image`; lossy ones differ by up to 3 of 255.
    /// Of 16-bit samples the high byte is kept. Pillow does so too, except that it clips grey ones, which makes them white.
    ///
    /// # Errors
    ///
    /// [`ImageError::Io`], and [`ImageError::Image`] for a file that is of another format, damaged, truncated, or larger than
    /// 512 MiB when decoded, which is known before it is decoded.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, ImageError> {
        in_file(path.as_ref(), |bytes| Ok(image(&decoded(bytes)?)))
    }

    /// As [`read`](Self::read), from the bytes of a file.
    ///
    /// # Errors
    ///
    /// [`ImageError::Bytes`].
    pub fn decode(bytes: &[u8]) -> Result<Self, ImageError> {
        decoded(bytes).map(|decoded| image(&decoded)).map_err(ImageError::Bytes)
    }

    /// As [`read`](Self::read), with the alpha channel as a mask, if there is one: what is transparent is drawn anew, as in
    /// OpenAI's edits of images.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn read_with_alpha(path: impl AsRef<Path>) -> Result<(Self, Option<Mask>), ImageError> {
        in_file(path.as_ref(), |bytes| Ok(image_and_mask(&decoded(bytes)?)))
    }

    /// As [`read_with_alpha`](Self::read_with_alpha), from the bytes of a file.
    ///
    /// # Errors
    ///
    /// [`ImageError::Bytes`].
    pub fn decode_with_alpha(bytes: &[u8]) -> Result<(Self, Option<Mask>), ImageError> {
        decoded(bytes).map(|decoded| image_and_mask(&decoded)).map_err(ImageError::Bytes)
    }
}

impl Mask {
    /// Reads a PNG, JPEG or WebP file by the luma of its pixels, as Pillow's `convert("L")` does: white is drawn anew. An
    /// alpha channel is dropped; see [`Image::read_with_alpha`].
    ///
    /// # Errors
    ///
    /// As [`Image::read`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self, ImageError> {
        Image::read(path).map(|image| Self::from_luma(&image))
    }

    /// As [`read`](Self::read), from the bytes of a file.
    ///
    /// # Errors
    ///
    /// [`ImageError::Bytes`].
    pub fn decode(bytes: &[u8]) -> Result<Self, ImageError> {
        Image::decode(bytes).map(|image| Self::from_luma(&image))
    }
}

fn in_file<T>(path: &Path, decode: impl FnOnce(&[u8]) -> Result<T, String>) -> Result<T, ImageError> {
    let bytes = std::fs::read(path).map_err(|source| ImageError::Io { file: path.to_path_buf(), source })?;
    decode(&bytes).map_err(|reason| ImageError::Image { file: path.to_path_buf(), reason })
}

fn image_and_mask(decoded: &DynamicImage) -> (Image, Option<Mask>) {
    (image(decoded), mask(decoded))
}

fn image(decoded: &DynamicImage) -> Image {
    let (samples, channels) = samples(decoded);
    let pixels = samples.chunks_exact(channels);
    let rgb = match channels {
        1 | 2 => pixels.flat_map(|pixel| [pixel[0]; 3]).collect(),
        _ => pixels.flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect(),
    };
    Image { width: decoded.width() as usize, height: decoded.height() as usize, rgb }
}

fn mask(decoded: &DynamicImage) -> Option<Mask> {
    if !decoded.color().has_alpha() {
        return None;
    }
    let (samples, channels) = samples(decoded);
    let values = samples.chunks_exact(channels).map(|pixel| 255 - pixel[channels - 1]).collect();
    Some(Mask { width: decoded.width() as usize, height: decoded.height() as usize, values })
}

/// Returns the samples in 8 bits, and how many a pixel has.
fn samples(decoded: &DynamicImage) -> (Vec<u8>, usize) {
    let (bytes, channels) = (decoded.as_bytes(), decoded.color().channel_count() as usize);
    match decoded.color().bytes_per_pixel() as usize / channels {
        1 => (bytes.to_vec(), channels),
        _ => (
            bytes.chunks_exact(2).map(|sample| (u16::from_ne_bytes([sample[0], sample[1]]) >> 8) as u8).collect(),
            channels,
        ),
    }
}
