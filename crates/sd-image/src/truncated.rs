use image::ImageFormat;

/// Whether a file ends before its image does, in formats whose decoders would fill the rest. Pillow refuses the same files.
pub fn is_truncated(bytes: &[u8], format: ImageFormat) -> bool {
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
