use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

use crate::orientation::orientation;
use crate::truncated::is_truncated;

/// The largest decoded image, in MiB.
const LARGEST: u64 = 512;

/// Decodes the bytes of a file and turns the image upright.
pub fn decoded(bytes: &[u8]) -> Result<DynamicImage, String> {
    let Ok(format) = image::guess_format(bytes) else {
        return Err("it is not a PNG, JPEG or WebP image".into());
    };
    if !matches!(format, ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP) {
        return Err(format!("it is a {format:?} image, expected PNG, JPEG or WebP: convert it"));
    }
    if is_truncated(bytes, format) {
        return Err("the image is truncated".into());
    }
    let limits = || {
        let mut limits = Limits::default();
        limits.max_alloc = Some(LARGEST << 20);
        limits
    };
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits());
    let mut decoder = reader.into_decoder().map_err(one_line)?;
    let (width, height) = decoder.dimensions();
    if limits().reserve(decoder.total_bytes()).is_err() {
        return Err(format!(
            "it has {width}×{height} pixels, which are {} MiB when decoded, expected at most {LARGEST} MiB: scale it down",
            decoder.total_bytes() >> 20
        ));
    }
    let orientation = orientation(&mut decoder, bytes);
    let mut image = DynamicImage::from_decoder(decoder).map_err(one_line)?;
    image.apply_orientation(orientation);
    Ok(image)
}

fn one_line(error: ImageError) -> String {
    match error {
        ImageError::Limits(_) => format!("it is larger than {LARGEST} MiB when decoded: scale it down"),
        error => error.to_string().replace('\n', " "),
    }
}
