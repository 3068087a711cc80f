//! The user's comment in EXIF data: eight bytes that name an encoding, and a text in it.

/// UTF-16, in practice.
const UNICODE: &[u8] = b"UNICODE\0";

/// Returns the bytes of a comment, as piexif makes them: UTF-16 with the high byte first, whatever the byte order of the data.
pub fn to_comment(text: &str) -> Vec<u8> {
    UNICODE.iter().copied().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect()
}

/// Reads a comment, whichever program wrote it.
pub fn from_comment(bytes: &[u8]) -> String {
    let text = match bytes.split_at_checked(8) {
        Some((UNICODE, text)) => from_utf16(text),
        Some((b"ASCII\0\0\0" | [0, 0, 0, 0, 0, 0, 0, 0], text)) => String::from_utf8_lossy(text).into_owned(),
        // Some programs leave the encoding away.
        _ => String::from_utf8_lossy(bytes).into_owned(),
    };
    text.trim_end_matches('\0').to_string()
}

/// Reads UTF-16, in the byte order of its mark, or else in the one in which more of its characters are Latin: in prompts some
/// always are.
fn from_utf16(bytes: &[u8]) -> String {
    let units = || bytes.as_chunks::<2>().0.iter().copied();
    let high_bytes_last = units().filter(|[_, last]| *last == 0).count();
    let high_bytes_first = units().filter(|[first, _]| *first == 0).count();
    let is_little_endian = match bytes {
        [0xFF, 0xFE, ..] => true,
        [0xFE, 0xFF, ..] => false,
        _ => high_bytes_last > high_bytes_first,
    };
    let units = units().map(|unit| if is_little_endian { u16::from_le_bytes(unit) } else { u16::from_be_bytes(unit) });
    let units = units.skip_while(|unit| *unit == 0xFEFF);
    char::decode_utf16(units).map(|char| char.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}
