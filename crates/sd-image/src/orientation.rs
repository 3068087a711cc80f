use image::ImageDecoder;
use image::metadata::Orientation;

use crate::containers::png_chunks;

/// Prefix of EXIF data in some files.
const EXIF: &[u8] = b"Exif\0\0";

/// How an image is to be turned: by its EXIF data, or else by its XMP data. Damaged data turn nothing.
pub fn orientation(decoder: &mut impl ImageDecoder, bytes: &[u8]) -> Orientation {
    let exif = decoder.exif_metadata().ok().flatten().or_else(|| exif_of_png(bytes).map(<[u8]>::to_vec));
    let of_exif = exif.and_then(|exif| Orientation::from_exif_chunk(exif.strip_prefix(EXIF).unwrap_or(&exif)));
    let xmp = || of_xmp(&decoder.xmp_metadata().ok()??);
    of_exif.or_else(xmp).unwrap_or(Orientation::NoTransforms)
}

/// The EXIF data of a PNG file, which may come after the pixels.
fn exif_of_png(bytes: &[u8]) -> Option<&[u8]> {
    png_chunks(bytes).find(|(kind, _)| *kind == b"eXIf").map(|(_, data)| data)
}

/// `tiff:Orientation="6"`, or `<tiff:Orientation>6</tiff:Orientation>`.
fn of_xmp(xmp: &[u8]) -> Option<Orientation> {
    let text = String::from_utf8_lossy(xmp);
    let (_, after) = text.split_once("tiff:Orientation")?;
    let value = after.strip_prefix("=\"").or_else(|| after.strip_prefix('>'))?;
    Orientation::from_exif(value.chars().next()?.to_digit(10)? as u8)
}
