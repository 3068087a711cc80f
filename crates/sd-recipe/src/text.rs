use std::path::Path;

use crate::RecipeError;

/// Reads a UTF-8 file, without the byte-order mark that some editors write.
///
/// # Errors
///
/// [`RecipeError::Io`], and [`RecipeError::Text`] for another encoding, which is named if it can be recognised.
pub(crate) fn read_text(file: &Path) -> Result<String, RecipeError> {
    let bytes = std::fs::read(file).map_err(RecipeError::io(file))?;
    decode(bytes).map_err(|reason| RecipeError::Text { file: file.to_path_buf(), reason })
}

fn decode(bytes: Vec<u8>) -> Result<String, String> {
    let is_utf16 = bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF");
    // A text has no zero bytes, but in UTF-16 every ASCII letter has one.
    if is_utf16 || bytes.contains(&0) {
        return Err("UTF-16 or binary data instead of UTF-8 text: save it as UTF-8".into());
    }
    let text = String::from_utf8(bytes)
        .map_err(|error| format!("not UTF-8 from byte {} on: save it as UTF-8", error.utf8_error().valid_up_to()))?;
    Ok(text.strip_prefix('\u{FEFF}').map(str::to_string).unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_mark_is_no_part_of_a_text() {
        assert_eq!(decode(b"\xEF\xBB\xBFa red house".to_vec()).unwrap(), "a red house");
        assert_eq!(decode("a \u{FEFF}red h\u{f6}use".into()).unwrap(), "a \u{FEFF}red h\u{f6}use");
    }

    #[test]
    fn other_encodings_are_refused_by_name() {
        let little: Vec<u8> = "red".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = "\u{FEFF}r\u{f6}d".encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in [little, big, b"\xFF\xFEr\0".to_vec()] {
            assert!(decode(bytes).unwrap_err().contains("UTF-16"));
        }
        assert!(decode(b"r\xF6d".to_vec()).unwrap_err().contains("not UTF-8 from byte 1 on"));
    }
}
