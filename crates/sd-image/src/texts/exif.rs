//! Texts in EXIF data.

use std::io::Cursor;

use exif::experimental::Writer;
use exif::{Field, In, Reader, Tag, Value};

use super::comment::{from_comment, to_comment};

/// The keyword of AUTOMATIC1111's text, which is the user's comment.
const PARAMETERS: &str = "parameters";

/// Returns EXIF data with texts, if there are any.
///
/// Other texts than `parameters` share the image's description, which is a list of texts with a zero byte after each.
pub fn exif_of(texts: &[(&str, &str)]) -> Option<Vec<u8>> {
    let field = |tag, value| Field { tag, ifd_num: In::PRIMARY, value };
    let (parameters, others): (Vec<_>, Vec<_>) = texts.iter().partition(|(keyword, _)| *keyword == PARAMETERS);
    let comment = parameters.first().map(|(_, text)| field(Tag::UserComment, Value::Undefined(to_comment(text), 0)));
    let described = others.iter().map(|(keyword, text)| format!("{keyword}:{text}").replace('\0', " ").into_bytes());
    let described = (!others.is_empty()).then(|| field(Tag::ImageDescription, Value::Ascii(described.collect())));
    let (mut writer, mut exif) = (Writer::new(), Cursor::new(Vec::new()));
    described.iter().chain(&comment).for_each(|field| writer.push_field(field));
    // Without a field there is nothing to write, which is an error. Memory has no others.
    writer.write(&mut exif, false).ok()?;
    Some(exif.into_inner())
}

/// Reads the texts of EXIF data, as far as they are not damaged.
pub fn texts_of(data: &[u8]) -> Vec<(String, String)> {
    let mut reader = Reader::new();
    let exif = reader.continue_on_error(true).read_raw(data.to_vec());
    let Ok(exif) = exif.or_else(|error| error.distill_partial_result(|_| {})) else { return Vec::new() };
    exif.fields().filter(|field| field.ifd_num == In::PRIMARY).flat_map(texts_of_field).collect()
}

fn texts_of_field(field: &Field) -> Vec<(String, String)> {
    match &field.value {
        Value::Undefined(bytes, _) if field.tag == Tag::UserComment => vec![(PARAMETERS.into(), from_comment(bytes))],
        Value::Ascii(texts) => {
            let texts = texts.iter().map(|text| String::from_utf8_lossy(text).into_owned());
            texts.filter(|text| !text.is_empty()).map(|text| keyed(field.tag, text)).collect()
        }
        _ => Vec::new(),
    }
}

/// The keyword in front of a text, as in `prompt:{…}`, or else the tag's name.
fn keyed(tag: Tag, text: String) -> (String, String) {
    let is_keyword = |keyword: &str| {
        let is_plain = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_');
        (1..80).contains(&keyword.len()) && keyword.chars().all(is_plain)
    };
    match text.split_once(':') {
        Some((keyword, text)) if is_keyword(keyword) && text.starts_with(['{', '[']) => {
            // Some programs write `Prompt:` and `Workflow:`.
            (keyword.to_lowercase(), text.to_string())
        }
        _ => (tag.to_string(), text),
    }
}
