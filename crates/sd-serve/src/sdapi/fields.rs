//! Fields of a request's JSON, read as FastAPI reads them: leniently, and with errors that name their place.

use serde_json::{Map, Value, json};

use super::SdapiError;

/// The fields of an object somewhere in a request.
///
/// A field that is `null` counts as absent: clients send both.
#[derive(Debug, Clone)]
pub(super) struct Fields<'a> {
    place: Vec<Value>,
    values: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    /// The fields of a request's body.
    pub fn of_body(values: &'a Map<String, Value>) -> Self {
        Self { place: vec![json!("body")], values }
    }

    /// Returns a field as it is.
    pub fn value(&self, name: &str) -> Option<&'a Value> {
        self.values.get(name).filter(|value| !value.is_null())
    }

    /// Reads a text.
    pub fn text(&self, name: &str) -> Result<Option<&'a str>, SdapiError> {
        self.read(name, Value::as_str, "str type expected", "type_error.str")
    }

    /// Reads a text that is not empty.
    pub fn filled_text(&self, name: &str) -> Result<Option<&'a str>, SdapiError> {
        Ok(self.text(name)?.filter(|text| !text.trim().is_empty()))
    }

    /// Reads a whole number. As in Python, a fraction is cut off and a text may hold the number.
    pub fn integer(&self, name: &str) -> Result<Option<i64>, SdapiError> {
        self.read(name, integer, "value is not a valid integer", "type_error.integer")
    }

    /// Reads a finite number, or a text that holds one.
    pub fn number(&self, name: &str) -> Result<Option<f64>, SdapiError> {
        self.read(name, number, "value is not a valid float", "type_error.float")
    }

    /// Reads a truth value, or what Python's clients write for one.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, SdapiError> {
        self.read(name, flag, "value could not be parsed to a boolean", "type_error.bool")
    }

    /// Reads a list.
    pub fn list(&self, name: &str) -> Result<Option<&'a [Value]>, SdapiError> {
        let slice = |value: &'a Value| value.as_array().map(Vec::as_slice);
        self.read(name, slice, "value is not a valid list", "type_error.list")
    }

    /// Reads the object in a field.
    pub fn object(&self, name: &str) -> Result<Option<Self>, SdapiError> {
        let values = self.read(name, Value::as_object, "value is not a valid dict", "type_error.dict")?;
        Ok(values.map(|values| Self { place: self.place_of(name), values }))
    }

    /// Reads the object at an index of the list in a field.
    pub fn object_in_list(&self, name: &str, index: usize, value: &'a Value) -> Result<Self, SdapiError> {
        let mut place = self.place_of(name);
        place.push(json!(index));
        match value.as_object() {
            Some(values) => Ok(Self { place, values }),
            None => {
                Err(SdapiError::Field { place, message: "value is not a valid dict".into(), kind: "type_error.dict" })
            }
        }
    }

    /// Reads a whole number in a range.
    pub fn integer_in(&self, name: &str, smallest: i64, largest: i64) -> Result<Option<i64>, SdapiError> {
        match self.integer(name)? {
            Some(found) if found < smallest || found > largest => {
                Err(self.wrong(name, format!("{found}: expected {smallest} to {largest}")))
            }
            found => Ok(found),
        }
    }

    /// Reads a number in a range.
    pub fn number_in(&self, name: &str, smallest: f64, largest: f64) -> Result<Option<f64>, SdapiError> {
        match self.number(name)? {
            Some(found) if found < smallest || found > largest => {
                Err(self.wrong(name, format!("{found}: expected {smallest} to {largest}")))
            }
            found => Ok(found),
        }
    }

    /// The error of a field whose value has the right type and cannot be used.
    pub fn wrong(&self, name: &str, message: impl Into<String>) -> SdapiError {
        SdapiError::Field { place: self.place_of(name), message: message.into(), kind: "value_error" }
    }

    /// The names of the fields.
    pub fn names(&self) -> impl Iterator<Item = &'a str> {
        self.values.keys().map(String::as_str)
    }

    fn place_of(&self, name: &str) -> Vec<Value> {
        self.place.iter().cloned().chain([json!(name)]).collect()
    }

    fn read<T>(
        &self,
        name: &str,
        read: impl Fn(&'a Value) -> Option<T>,
        expected: &str,
        kind: &'static str,
    ) -> Result<Option<T>, SdapiError> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let wrong = || SdapiError::Field { place: self.place_of(name), message: expected.into(), kind };
        read(value).map(Some).ok_or_else(wrong)
    }
}

fn integer(value: &Value) -> Option<i64> {
    const LARGEST: f64 = (1_u64 << 53) as f64;
    match value {
        Value::Bool(flag) => Some(i64::from(*flag)),
        Value::Number(number) => number.as_i64().or_else(|| {
            let float = number.as_f64()?.trunc();
            (float.abs() <= LARGEST).then_some(float as i64)
        }),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn number(value: &Value) -> Option<f64> {
    let found = match value {
        Value::Bool(flag) => Some(f64::from(u8::from(*flag))),
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    found.filter(|number: &f64| number.is_finite())
}

fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) if number.as_f64() == Some(0.0) => Some(false),
        Value::Number(number) if number.as_f64() == Some(1.0) => Some(true),
        Value::String(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "on" | "yes" | "y" | "t" | "1" => Some(true),
            "false" | "off" | "no" | "n" | "f" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(value: Value) -> Map<String, Value> {
        let Value::Object(fields) = value else { panic!("not an object") };
        fields
    }

    #[test]
    fn numbers_are_read_as_pythons_clients_write_them() {
        let body = body(json!({"a": 20, "b": "20", "c": 20.9, "d": true, "e": null, "f": "7.5", "g": -1, "h": 3e9}));
        let fields = Fields::of_body(&body);
        for name in ["a", "b", "c"] {
            assert_eq!(fields.integer(name).unwrap(), Some(20), "{name}");
        }
        assert_eq!(fields.integer("d").unwrap(), Some(1));
        assert_eq!(fields.integer("e").unwrap(), None);
        assert_eq!(fields.integer("absent").unwrap(), None);
        assert_eq!(fields.number("f").unwrap(), Some(7.5));
        assert_eq!(fields.integer("g").unwrap(), Some(-1));
        assert_eq!(fields.integer("h").unwrap(), Some(3_000_000_000));
    }

    #[test]
    fn flags_are_read_as_pythons_clients_write_them() {
        let body = body(json!({"a": true, "b": "True", "c": 1, "d": "off", "e": 0, "f": "maybe", "g": 2}));
        let fields = Fields::of_body(&body);
        for (name, wanted) in [("a", true), ("b", true), ("c", true), ("d", false), ("e", false)] {
            assert_eq!(fields.flag(name).unwrap(), Some(wanted), "{name}");
        }
        assert!(fields.flag("f").is_err() && fields.flag("g").is_err());
    }

    #[test]
    fn an_error_says_where_the_field_is() {
        let body = body(json!({"outer": {"steps": []}, "steps": "many", "weight": "nan", "n": 1e300}));
        let fields = Fields::of_body(&body);
        let outer = fields.object("outer").unwrap().unwrap();
        let place = |error: SdapiError| match error {
            SdapiError::Field { place, kind, .. } => (Value::from(place), kind),
            other => panic!("{other}"),
        };
        assert_eq!(
            place(outer.integer("steps").unwrap_err()),
            (json!(["body", "outer", "steps"]), "type_error.integer")
        );
        assert_eq!(place(fields.integer("steps").unwrap_err()), (json!(["body", "steps"]), "type_error.integer"));
        assert_eq!(place(fields.number("weight").unwrap_err()), (json!(["body", "weight"]), "type_error.float"));
        assert_eq!(place(fields.integer("n").unwrap_err()), (json!(["body", "n"]), "type_error.integer"));
        assert_eq!(place(fields.object("steps").unwrap_err()), (json!(["body", "steps"]), "type_error.dict"));
    }
}
