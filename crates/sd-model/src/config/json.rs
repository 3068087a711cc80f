use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::ModelError;

/// Larger than any size in a network: vocabularies have up to 250 000 tokens.
const LARGEST: u64 = 1 << 20;
/// More layers than any text encoder or block has: XL's larger text encoder has 32.
const MOST_LAYERS: usize = 128;
/// More resolutions than any network has.
const MOST_LEVELS: usize = 12;
/// Keys that diffusers' training (`EMAModel`) and versions of 2022 left in configs.
const TRAINING_KEYS: [&str; 8] = [
    "decay",
    "inv_gamma",
    "min_decay",
    "optimization_step",
    "power",
    "tensor_format",
    "update_after_step",
    "use_ema_warmup",
];
/// Longest file that is read, in bytes.
const LONGEST: u64 = 1 << 20;

/// A JSON object from which readers remove the keys they know; the remaining keys are unknown.
#[derive(Debug, Clone)]
pub struct Json {
    file: PathBuf,
    map: Map<String, Value>,
    /// Whether unknown keys are errors.
    strict: bool,
}

impl Json {
    /// Creates the object of `file` from a map.
    pub fn new(file: &Path, map: Map<String, Value>) -> Self {
        Self { file: file.to_path_buf(), map, strict: false }
    }

    /// Applies `read` to this object and ignores unknown keys, with a sentence about them in `notes`.
    ///
    /// Newer versions of diffusers write new keys, mostly with values that change nothing.
    ///
    /// # Errors
    ///
    /// The errors of `read`.
    pub fn loosely<T>(
        mut self,
        notes: &mut Vec<String>,
        read: impl FnOnce(&mut Self) -> Result<T, ModelError>,
    ) -> Result<T, ModelError> {
        let config = read(&mut self)?;
        let unknown: Vec<String> = self.unknown().map(|(key, value)| format!("`{key}` ({value})")).collect();
        if !unknown.is_empty() {
            notes.push(format!(
                "{} has keys that this version does not know and ignores: {}",
                self.file.display(),
                unknown.join(", ")
            ));
        }
        Ok(config)
    }

    /// Applies `read` to this object and refuses unknown keys.
    ///
    /// # Errors
    ///
    /// The errors of `read`, and [`ModelError::Config`] for a key that it does not know.
    pub fn strictly<T>(mut self, read: impl FnOnce(&mut Self) -> Result<T, ModelError>) -> Result<T, ModelError> {
        self.strict = true;
        let config = read(&mut self)?;
        self.finish()?;
        Ok(config)
    }

    /// Refuses the remaining keys if unknown keys are errors. Readers call this after removing all keys they know, before
    /// they check how the values fit together.
    pub(crate) fn finish(&self) -> Result<(), ModelError> {
        match self.unknown().next().filter(|_| self.strict) {
            None => Ok(()),
            Some((key, value)) => Err(self.error(format!("`{key}` is {value}, but there is no such key"))),
        }
    }

    /// Reads the object in a file.
    ///
    /// Drops the keys that the file lists as defaults of the class that wrote it (`_use_default_values`): another class has
    /// its own defaults.
    ///
    /// # Errors
    ///
    /// [`ModelError::Io`] if the file cannot be read, and [`ModelError::Config`] if it is not a JSON object.
    pub fn read(file: &Path) -> Result<Self, ModelError> {
        let io = |source| ModelError::Io { file: file.to_path_buf(), source };
        let mut text = String::new();
        std::fs::File::open(file).map_err(io)?.take(LONGEST).read_to_string(&mut text).map_err(io)?;
        Self::parse(file, &text)
    }

    /// Parses the text of `file`.
    ///
    /// # Errors
    ///
    /// [`ModelError::Config`] if it is not a JSON object.
    pub fn parse(file: &Path, text: &str) -> Result<Self, ModelError> {
        let map = serde_json::from_str(text)
            // Python writes infinities, which JSON lacks.
            .or_else(|_| serde_json::from_str(&text.replace("-Infinity", "null").replace("Infinity", "null")));
        let map = map.map_err(|error| ModelError::Config {
            file: file.to_path_buf(),
            reason: format!("not a JSON object: {error}"),
        })?;
        let mut json = Self { file: file.to_path_buf(), map, strict: false };
        for key in json.take_or("_use_default_values", Vec::<String>::new())? {
            json.map.remove(&key);
        }
        Ok(json)
    }

    /// Returns the object with another value of `key`.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.set(key, value);
        self
    }

    /// Sets the value of `key`.
    pub(crate) fn set(&mut self, key: &str, value: impl Into<Value>) {
        self.map.insert(key.to_string(), value.into());
    }

    /// Replaces the class that wrote the file by that of `model_index.json`, which takes precedence.
    pub(crate) fn set_class(&mut self, class: Option<&str>) {
        if let Some(class) = class {
            self.set("_class_name", class);
        }
    }

    /// Returns the remaining keys.
    pub fn into_map(self) -> Map<String, Value> {
        self.map
    }

    /// Returns the value of `key` without removing it; `None` if absent.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.map.get(key)
    }

    /// Removes `key` and returns its value unchanged; `None` if absent.
    pub(crate) fn remove(&mut self, key: &str) -> Option<Value> {
        self.map.remove(key)
    }

    /// Removes the object under `key` and returns it; `None` if absent or null.
    pub(crate) fn take_object(&mut self, key: &str) -> Result<Option<Self>, ModelError> {
        let map = self.take(key)?;
        Ok(map.map(|map| Self { file: self.file.clone(), map, strict: self.strict }))
    }

    /// Removes `key` and returns its value; `None` if absent or null.
    pub(crate) fn take<T: DeserializeOwned>(&mut self, key: &str) -> Result<Option<T>, ModelError> {
        match self.map.remove(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => {
                let found = value.to_string();
                if largest(&value) > LARGEST {
                    return Err(self.error(format!("`{key}` is {found}, expected at most {LARGEST}")));
                }
                let value = serde_json::from_value(value);
                value.map(Some).map_err(|error| self.error(format!("`{key}` is {found}: {error}")))
            }
        }
    }

    /// Removes `key` and returns its value, or diffusers' default if absent.
    pub(crate) fn take_or<T: DeserializeOwned>(&mut self, key: &str, default: T) -> Result<T, ModelError> {
        Ok(self.take(key)?.unwrap_or(default))
    }

    /// Removes `key` and returns its value, which is required.
    pub(crate) fn require<T: DeserializeOwned>(&mut self, key: &str) -> Result<T, ModelError> {
        self.take(key)?.ok_or_else(|| self.error(format!("`{key}` is missing")))
    }

    /// Reads `sample_size`, one value for both sides or `[height, width]`, and returns width and height.
    pub(crate) fn sample_size(&mut self, default: usize) -> Result<(usize, usize), ModelError> {
        let size = self.take_or("sample_size", PerLevel::One(default))?;
        match *size.values() {
            [side] if side > 0 => Ok((side, side)),
            [height, width] if height > 0 && width > 0 => Ok((width, height)),
            _ => {
                Err(self.error(format!("`sample_size` is {:?}, expected one size or height and width", size.values())))
            }
        }
    }

    /// Reads a count of at least 1.
    pub(crate) fn count_or(&mut self, key: &str, default: usize) -> Result<usize, ModelError> {
        match self.take_or(key, default)? {
            0 => Err(self.error(format!("`{key}` is 0, expected at least 1"))),
            count => Ok(count),
        }
    }

    /// Reads a number of layers, at least 1.
    pub(crate) fn layers_or(&mut self, key: &str, default: usize) -> Result<usize, ModelError> {
        let layers = self.count_or(key, default)?;
        self.check_layers(key, &[layers])?;
        Ok(layers)
    }

    /// Refuses numbers of layers that no file has and that would take long to build.
    pub(crate) fn check_layers(&self, key: &str, layers: &[usize]) -> Result<(), ModelError> {
        match layers.iter().find(|layers| **layers > MOST_LAYERS) {
            Some(layers) => Err(self.error(format!("`{key}` is {layers}, expected at most {MOST_LAYERS}"))),
            None => Ok(()),
        }
    }

    /// Reads the channels of each resolution, at least one.
    pub(crate) fn channels(&mut self, key: &str, default: Option<Vec<usize>>) -> Result<Vec<usize>, ModelError> {
        let channels: Vec<usize> = match default {
            Some(default) => self.take_or(key, default)?,
            None => self.require(key)?,
        };
        match channels.len() {
            0 => Err(self.error(format!("`{key}` is empty"))),
            1..=MOST_LEVELS => Ok(channels),
            count => Err(self.error(format!("`{key}` has {count} values, expected at most {MOST_LEVELS}"))),
        }
    }

    /// Refuses any value of `key` except `supported`, absent and null.
    pub(crate) fn only(&mut self, key: &str, supported: impl Into<Value>) -> Result<(), ModelError> {
        let supported = supported.into();
        match self.map.remove(key) {
            None | Some(Value::Null) => Ok(()),
            Some(found) if found == supported || found.as_f64().is_some_and(|f| supported.as_f64() == Some(f)) => {
                Ok(())
            }
            Some(found) => Err(self.error(format!("`{key}` is {found}, only {supported} is supported"))),
        }
    }

    /// Refuses options that would change the result, unless they are off: absent, null, false, or a list of such values.
    pub(crate) fn off(&mut self, keys: &[&str]) -> Result<(), ModelError> {
        for key in keys {
            if let Some(value) = self.map.remove(*key).filter(|value| !is_off(value)) {
                return Err(self.error(format!("`{key}` is {value}, which is not supported")));
            }
        }
        Ok(())
    }

    /// Drops keys that do not change the result.
    pub(crate) fn ignore(&mut self, keys: &[&str]) {
        for key in keys {
            self.map.remove(*key);
        }
    }

    /// Returns the remaining keys whose values are not off.
    fn unknown(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.map
            .iter()
            .filter(|(key, value)| !key.starts_with('_') && !TRAINING_KEYS.contains(&key.as_str()) && !is_off(value))
    }

    pub(crate) fn error(&self, reason: String) -> ModelError {
        ModelError::Config { file: self.file.clone(), reason }
    }
}

/// Whether this value turns an option off.
fn is_off(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(values) => values.iter().all(is_off),
        _ => false,
    }
}

/// The largest whole number in a value.
fn largest(value: &Value) -> u64 {
    match value {
        Value::Number(number) => number.as_u64().unwrap_or(0),
        Value::Array(values) => values.iter().map(largest).max().unwrap_or(0),
        _ => 0,
    }
}

/// One value for all levels, or a list with one for each; likewise for the residual blocks of a level.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum PerLevel {
    One(usize),
    Each(Vec<usize>),
}

impl PerLevel {
    /// Returns a list with one value per level.
    pub fn spread(self, json: &Json, key: &str, levels: usize) -> Result<Vec<usize>, ModelError> {
        self.spread_over(json, key, levels, "level")
    }

    /// Returns a list with one value for each of `count` things.
    pub fn spread_over(self, json: &Json, key: &str, count: usize, thing: &str) -> Result<Vec<usize>, ModelError> {
        match self {
            Self::One(value) => Ok(vec![value; count]),
            Self::Each(values) if values.len() == count => Ok(values),
            Self::Each(values) => {
                Err(json.error(format!("`{key}` has {} values, expected one per {thing}, {count}", values.len())))
            }
        }
    }

    /// Returns the values as written.
    pub fn values(&self) -> &[usize] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Each(values) => values,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// diffusers' DPM-Solver configs have one.
    #[test]
    fn pythons_infinity_is_read_as_null() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.json");
        std::fs::write(&file, r#"{ "lambda_min_clipped": -Infinity, "steps_offset": 1 }"#).unwrap();
        let mut json = Json::read(&file).unwrap();
        assert_eq!(json.take::<f64>("lambda_min_clipped").unwrap(), None);
        assert_eq!(json.take::<usize>("steps_offset").unwrap(), Some(1));
    }
}
