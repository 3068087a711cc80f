//! Reading image files.

use std::io::Cursor;
use std::path::Path;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, ImageResult, Limits};

use crate::{Image, ImageError};

/// Prefix of EXIF data in some files.
const EXIF: &[u8] = b"Exif\0\0";

impl Image {
    /// Reads a PNG, JPEG or WebP file, whatever its extension. The image is turned by the orientation in its EXIF data, or
    /// else in its XMP data. The alpha channel is dropped; of an animation, the first image is read.
    ///
    /// # Errors
    ///
    /// [`ImageError::Io`], and [`ImageError::Image`] for a file that is of another format, damaged, truncated, or larger than
    /// 512 MiB when decoded.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, ImageError> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|source| ImageError::Io { file: path.to_path_buf(), source })?;
        decode(&bytes).map_err(|reason| ImageError::Image { file: path.to_path_buf(), reason })
    }

    /// As [`read`](Self::read), from the bytes of a file.
    ///
    /// # Errors
    ///
    /// [`ImageError::Bytes`].
    pub fn decode(bytes: &[u8]) -> Result<Self, ImageError> {
        decode(bytes).map_err(ImageError::Bytes)
    }
}

fn decode(bytes: &[u8]) -> Result<Image, String> {
    let Ok(format) = image::guess_format(bytes) else {
        return Err("it is not a PNG, JPEG or WebP image".into());
    };
    if is_truncated(bytes, format) {
        return Err("the image is truncated".into());
    }
    let image = oriented(bytes, format).map_err(|error| error.to_string())?.into_rgb8();
    Ok(Image { width: image.width() as usize, height: image.height() as usize, rgb: image.into_raw() })
}

fn oriented(bytes: &[u8], format: ImageFormat) -> ImageResult<DynamicImage> {
    let mut decoder = ImageReader::with_format(Cursor::new(bytes), format).into_decoder()?;
    Limits::default().reserve(decoder.total_bytes())?;
    // Damaged metadata does not prevent reading the image.
    let exif = decoder.exif_metadata().ok().flatten().or_else(|| exif_of_png(bytes).map(<[u8]>::to_vec));
    let of_exif = exif.and_then(|exif| Orientation::from_exif_chunk(exif.strip_prefix(EXIF).unwrap_or(&exif)));
    let orientation = of_exif.or_else(|| of_xmp(&decoder.xmp_metadata().ok()??));
    let mut image = DynamicImage::from_decoder(decoder)?;
    image.apply_orientation(orientation.unwrap_or(Orientation::NoTransforms));
    Ok(image)
}

/// Whether a file ends before its image does, in formats whose decoders would fill the rest. Pillow refuses the same files.
fn is_truncated(bytes: &[u8], format: ImageFormat) -> bool {
    match format {
        ImageFormat::Jpeg => !has_end(bytes),
        // Four letters, then the number of bytes that follow.
        ImageFormat::WebP => match bytes.get(4..8) {
            Some(length) => bytes.len() - 8 < u32::from_le_bytes(length.try_into().expect("four bytes")) as usize,
            None => true,
        },
        _ => false,
    }
}

/// Whether the segments and compressed data of a JPEG file continue to the marker that ends an image.
fn has_end(jpeg: &[u8]) -> bool {
    const END: u8 = 0xD9;
    // In compressed data, 0xFF is followed by 0 or by a restart marker. Any marker may have extra 0xFF bytes before it.
    let is_marker = |pair: &[u8]| pair[0] == 0xFF && !matches!(pair[1], 0 | 0xD0..=0xD8 | 0xFF);
    let mut at = 0;
    while let Some(rest) = jpeg.get(at..) {
        let Some(found) = rest.windows(2).position(is_marker) else { return false };
        let (marker, segment) = (rest[found + 1], &rest[found + 2..]);
        if marker == END {
            return true;
        }
        // The length of a segment includes its own two bytes.
        let &[high, low, ..] = segment else { return false };
        at += found + 2 + usize::from(u16::from_be_bytes([high, low]));
    }
    false
}

/// The EXIF data of a PNG file, which may come after the pixels.
fn exif_of_png(bytes: &[u8]) -> Option<&[u8]> {
    const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1A\n";
    let mut rest = bytes.strip_prefix(SIGNATURE)?;
    loop {
        let (length, chunk) = rest.split_first_chunk::<4>()?;
        let (kind, chunk) = chunk.split_first_chunk::<4>()?;
        let (data, after) = chunk.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        if kind == b"eXIf" {
            return Some(data);
        }
        // The checksum.
        rest = after.get(4..)?;
    }
}

/// `tiff:Orientation="6"`, or `<tiff:Orientation>6</tiff:Orientation>`.
fn of_xmp(xmp: &[u8]) -> Option<Orientation> {
    let text = String::from_utf8_lossy(xmp);
    let (_, after) = text.split_once("tiff:Orientation")?;
    let value = after.strip_prefix("=\"").or_else(|| after.strip_prefix('>'))?;
    Orientation::from_exif(value.chars().next()?.to_digit(10)? as u8)
}
