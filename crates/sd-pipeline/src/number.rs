//! Serde support for numbers that may be infinite: JSON has no infinity, so it is written as the text `inf`.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Number {
    Finite(f64),
    Other(String),
}

impl From<f64> for Number {
    fn from(value: f64) -> Self {
        if value.is_finite() { Self::Finite(value) } else { Self::Other(value.to_string()) }
    }
}

impl Number {
    fn value<E: Error>(self) -> Result<f64, E> {
        match self {
            Self::Finite(value) => Ok(value),
            Self::Other(text) => text.parse().map_err(|_| E::custom(format!("`{text}` is not a number"))),
        }
    }
}

pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    Number::from(*value).serialize(serializer)
}

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Number::deserialize(deserializer)?.value()
}

/// The same for pairs of an option and its value.
pub mod options {
    use sd_samplers::SamplerOption;

    use super::*;

    pub fn serialize<S: Serializer>(options: &[(SamplerOption, f64)], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(options.iter().map(|(option, value)| (option, Number::from(*value))))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(SamplerOption, f64)>, D::Error> {
        let options = Vec::<(SamplerOption, Number)>::deserialize(deserializer)?;
        options.into_iter().map(|(option, number)| Ok((option, number.value()?))).collect()
    }
}
