use std::ops::RangeInclusive;

use axum::body::Bytes;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::api_error::ApiError;

/// The values and files of a request, whether they came as JSON or as a form.
///
/// A form has texts only, so every value may also be its own text: `2` or `"2"`. What is null or empty is not there, and nobody asks
/// for unknown fields.
#[derive(Debug, Default)]
pub struct Fields {
    values: Map<String, Value>,
    files: Vec<(String, Bytes)>,
}

impl Fields {
    /// The values of a JSON object.
    pub fn new(values: Map<String, Value>) -> Self {
        Self { values, files: Vec::new() }
    }

    /// Adds a text of a form.
    pub fn add_text(&mut self, name: String, text: String) {
        self.values.insert(name, Value::String(text));
    }

    /// Adds a file of a form.
    pub fn add_file(&mut self, name: String, file: Bytes) {
        self.files.push((name, file));
    }

    /// The files with a name, also where it is written as a list's: `image[]`, `image[0]`.
    pub fn files(&self, name: &str) -> impl Iterator<Item = &Bytes> {
        let is_named =
            move |field: &str| field.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('['));
        self.files.iter().filter(move |(field, _)| is_named(field)).map(|(_, file)| file)
    }

    /// The value with a name.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.values.get(name).filter(|value| !value.is_null() && value.as_str() != Some(""))
    }

    /// A text.
    pub fn text(&self, name: &str) -> Result<Option<&str>, ApiError> {
        let text = |value: &Value| wrong(name, format!("`{name}` {}: expected a text", short(value)));
        self.value(name).map(|value| value.as_str().ok_or_else(|| text(value))).transpose()
    }

    /// A text that is one of several.
    pub fn choice(&self, name: &str, known: &[&'static str]) -> Result<Option<&'static str>, ApiError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let found = known.iter().copied().find(|known| *known == text);
        let expected = || format!("`{name}` {}: expected {}", short(&text.into()), known.join(", "));
        found.map(Some).ok_or_else(|| wrong(name, expected()))
    }

    /// A whole number in a range.
    pub fn whole(&self, name: &str, range: RangeInclusive<i64>) -> Result<Option<i64>, ApiError> {
        let read = |value: &Value| value.as_i64().or_else(|| value.as_str()?.trim().parse().ok());
        let kind = match range.end() {
            &i64::MAX => format!("a whole number, at least {}", range.start()),
            end => format!("a whole number from {} to {end}", range.start()),
        };
        self.read(name, &kind, |value| read(value).filter(|number| range.contains(number)))
    }

    /// A finite number in a range.
    pub fn number(&self, name: &str, range: RangeInclusive<f64>) -> Result<Option<f64>, ApiError> {
        let read = |value: &Value| value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
        let kind = match range.end() {
            &f64::MAX => "a number".to_string(),
            end => format!("a number from {} to {end}", range.start()),
        };
        self.read(name, &kind, |value| read(value).filter(|number| range.contains(number)))
    }

    /// True or false.
    pub fn flag(&self, name: &str) -> Result<bool, ApiError> {
        let read = |value: &Value| value.as_bool().or_else(|| value.as_str()?.trim().to_lowercase().parse().ok());
        Ok(self.read(name, "true or false", read)?.unwrap_or(false))
    }

    /// A list or an object; in a form, its JSON.
    pub fn parsed<T: DeserializeOwned>(&self, name: &str, kind: &str) -> Result<Option<T>, ApiError> {
        self.read(name, kind, |value| match value {
            Value::String(text) => serde_json::from_str(text).ok(),
            value => serde_json::from_value(value.clone()).ok(),
        })
    }

    fn read<T>(&self, name: &str, kind: &str, read: impl Fn(&Value) -> Option<T>) -> Result<Option<T>, ApiError> {
        let wrong = |value: &Value| wrong(name, format!("`{name}` {}: expected {kind}", short(value)));
        self.value(name).map(|value| read(value).ok_or_else(|| wrong(value))).transpose()
    }
}

/// A field with a value that it cannot have.
pub fn wrong(field: &str, message: impl Into<String>) -> ApiError {
    ApiError::wrong(message).of_field(field)
}

/// The beginning of a value, for messages.
fn short(value: &Value) -> String {
    const SHOWN: usize = 40;
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::json;
    use super::*;

    #[test]
    fn a_value_may_be_its_own_text_as_in_a_form() {
        let values = json(r#"{ "n": 2, "stream": true, "guidance": 7.5, "loras": [1, 2] }"#);
        let form = json(r#"{ "n": "2", "stream": "True", "guidance": "7.5", "loras": "[1, 2]" }"#);
        for fields in [values, form] {
            assert_eq!(fields.whole("n", 1..=10), Ok(Some(2)));
            assert_eq!(fields.flag("stream"), Ok(true));
            assert_eq!(fields.number("guidance", 0.0..=100.0), Ok(Some(7.5)));
            assert_eq!(fields.parsed::<Vec<u8>>("loras", "a list"), Ok(Some(vec![1, 2])));
        }
    }

    #[test]
    fn null_and_nothing_are_not_there() {
        let fields = json(r#"{ "n": null, "size": "" }"#);
        assert_eq!(fields.whole("n", 1..=10), Ok(None));
        assert_eq!(fields.text("size"), Ok(None));
        assert_eq!(fields.text("model"), Ok(None));
    }

    #[test]
    fn wrong_values_are_named_with_what_was_expected() {
        let fields = json(r#"{ "n": 0, "guidance": "NaN", "stream": 1, "size": 64, "quality": "best" }"#);
        let message = |error: ApiError| (error.field.unwrap(), error.message);
        let whole = message(fields.whole("n", 1..=10).unwrap_err());
        assert_eq!(whole, ("n".into(), "`n` 0: expected a whole number from 1 to 10".into()));
        let number = message(fields.number("guidance", f64::MIN..=f64::MAX).unwrap_err());
        assert_eq!(number.1, "`guidance` \"NaN\": expected a number");
        assert_eq!(message(fields.flag("stream").unwrap_err()).1, "`stream` 1: expected true or false");
        assert_eq!(message(fields.text("size").unwrap_err()).1, "`size` 64: expected a text");
        let choice = message(fields.choice("quality", &["low", "high"]).unwrap_err());
        assert_eq!(choice.1, "`quality` \"best\": expected low, high");
    }

    #[test]
    fn files_of_a_list_are_files_of_its_name() {
        let mut fields = Fields::default();
        for name in ["image", "image[]", "image[1]", "images", "mask"] {
            fields.add_file(name.into(), Bytes::from(name.to_string()));
        }
        let names: Vec<&Bytes> = fields.files("image").collect();
        assert_eq!(names, ["image", "image[]", "image[1]"]);
    }
}
