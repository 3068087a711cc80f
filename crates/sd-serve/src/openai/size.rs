use super::fields::{Fields, wrong};
use crate::api_error::ApiError;

/// The largest width and height that are read; the server's limits are lower.
const LARGEST: usize = 65_535;

/// Width and height from `size`, such as `512x768`; none if it is `auto` or not there.
pub fn size(fields: &Fields) -> Result<Option<(usize, usize)>, ApiError> {
    let Some(text) = fields.text("size")?.filter(|text| *text != "auto") else { return Ok(None) };
    let pixels = |text: &str| text.trim().parse::<usize>().ok().filter(|pixels| (1..=LARGEST).contains(pixels));
    let read = || {
        let (width, height) = text.split_once(['x', 'X', '×'])?;
        Some((pixels(width)?, pixels(height)?))
    };
    let shown: String = text.chars().take(40).collect();
    let expected = || wrong("size", format!("`size` {shown:?}: expected auto, or width and height as in 512x512"));
    read().map(Some).ok_or_else(expected)
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::json;
    use super::*;

    fn of(value: &str) -> Result<Option<(usize, usize)>, ApiError> {
        size(&json(&format!("{{ \"size\": {value} }}")))
    }

    #[test]
    fn a_size_is_width_and_height() {
        assert_eq!(of("\"512x768\""), Ok(Some((512, 768))));
        assert_eq!(of("\"auto\""), Ok(None));
        assert_eq!(of("null"), Ok(None));
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in
            ["0x64", "64", "64x", "x64", "64x64x64", "-64x64", "99999999999999999999x1", "65536x1", "large", "1.5x2"]
        {
            let error = of(&format!("\"{text}\"")).unwrap_err();
            assert_eq!(error.field.as_deref(), Some("size"), "{text}");
            assert!(error.message.contains("512x512"), "{}", error.message);
        }
        assert!(of("64").is_err());
    }
}
