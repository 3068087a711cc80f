//! The parts of image files, without their pixels. A damaged file has the parts before the damage.

/// The chunks of a PNG file: their kinds and their data.
pub fn png_chunks(bytes: &[u8]) -> impl Iterator<Item = (&[u8; 4], &[u8])> {
    let mut rest = bytes.strip_prefix(b"\x89PNG\r\n\x1A\n").unwrap_or_default();
    std::iter::from_fn(move || {
        let (length, chunk) = rest.split_first_chunk::<4>()?;
        let (kind, chunk) = chunk.split_first_chunk::<4>()?;
        let (data, after) = chunk.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        // After the checksum.
        rest = after.get(4..).unwrap_or_default();
        Some((kind, data))
    })
}

/// The segments of a JPEG file before its compressed data: their markers and their data.
pub fn jpeg_segments(bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    const SCAN: u8 = 0xDA;
    let mut rest = bytes.strip_prefix(b"\xFF\xD8").unwrap_or_default();
    std::iter::from_fn(move || {
        // Any marker may have extra 0xFF bytes before it.
        let marker = rest.iter().position(|byte| *byte != 0xFF).filter(|ff| *ff > 0)?;
        let (length, segment) = rest[marker + 1..].split_first_chunk::<2>()?;
        // The length includes its own two bytes.
        let (data, after) = segment.split_at_checked(usize::from(u16::from_be_bytes(*length)).checked_sub(2)?)?;
        let marker = rest[marker];
        rest = after;
        (marker != SCAN).then_some((marker, data))
    })
}

/// The chunks of a WebP file: their kinds and their data.
pub fn webp_chunks(bytes: &[u8]) -> impl Iterator<Item = (&[u8; 4], &[u8])> {
    let is_webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    let mut rest = if is_webp { &bytes[12..] } else { &[] };
    std::iter::from_fn(move || {
        let (kind, chunk) = rest.split_first_chunk::<4>()?;
        let (length, chunk) = chunk.split_first_chunk::<4>()?;
        let (data, after) = chunk.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        // An odd length is followed by a byte of padding.
        rest = after.get(data.len() % 2..).unwrap_or_default();
        Some((kind, data))
    })
}
