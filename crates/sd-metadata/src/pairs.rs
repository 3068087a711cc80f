//! The line of settings: `Steps: 20, Sampler: Euler a, Lora hashes: "one: 1a2b, two: 3c4d"`.

use std::borrow::Cow;

use serde_json::{Deserializer, Value};

/// Reads all pairs of a line.
///
/// A key is the longest run of its characters before a colon, from its first letter, digit or `_` on, and has at least two
/// characters. A value is a JSON string, list or object that a comma or the end follows, or else all until there.
pub fn pairs(line: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once(':') {
        rest = after;
        let start = before.char_indices().rev().take_while(|(_, char)| is_of_key(*char)).last();
        let key = start.map_or("", |(start, _)| before[start..].trim_start_matches([' ', '-', '/']));
        if key.chars().nth(1).is_some() {
            let (value, after) = value(rest.trim_start());
            pairs.push((key.to_string(), value));
            rest = after;
        }
    }
    pairs
}

fn is_of_key(char: char) -> bool {
    char.is_alphanumeric() || matches!(char, '_' | ' ' | '-' | '/')
}

/// The value at the beginning of `text`, and what follows its comma.
fn value(text: &str) -> (String, &str) {
    let (value, end) = match json(text) {
        Some((Value::String(value), end)) => (value, end),
        Some((_, end)) => (text[..end].to_string(), end),
        None => {
            let end = text.find(',').unwrap_or(text.len());
            (text[..end].to_string(), end)
        }
    };
    (value, text.get(end + 1..).unwrap_or_default())
}

/// A JSON value at the beginning of `text`, and its end, if a comma or nothing follows.
fn json(text: &str) -> Option<(Value, usize)> {
    if !text.starts_with(['"', '{', '[']) {
        return None;
    }
    let mut values = Deserializer::from_str(text).into_iter();
    let value = values.next()?.ok()?;
    let end = values.byte_offset();
    matches!(text.as_bytes().get(end), None | Some(b',')).then_some((value, end))
}

/// A value as it is written.
pub fn quoted(value: &str) -> Cow<'_, str> {
    let is_plain = !value.contains([',', ':', '\n']);
    // The web UI does not quote these, and reads something else.
    let is_read = !value.is_empty() && value == value.trim() && !value.starts_with(['"', '{', '[']);
    if is_plain && is_read { value.into() } else { Value::from(value).to_string().into() }
}
