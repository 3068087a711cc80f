use std::fmt;
use std::str::FromStr;

use sd_samplers::{CATALOGUE, SamplerInfo};
use serde::{Deserialize, Serialize};

use crate::{Field, RequestError};

/// A sampler of the catalogue, parsed from its name as in `"dpm++2m".parse()`. Serde reads and writes the name; DDIM is the
/// default.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub struct SamplerName(&'static SamplerInfo);

impl SamplerName {
    /// The sampler's entry in the catalogue.
    pub fn info(self) -> &'static SamplerInfo {
        self.0
    }
}

impl Default for SamplerName {
    fn default() -> Self {
        "ddim".parse().expect("it is in the catalogue")
    }
}

impl TryFrom<String> for SamplerName {
    type Error = RequestError;

    fn try_from(name: String) -> Result<Self, RequestError> {
        name.parse()
    }
}

impl From<SamplerName> for &'static str {
    fn from(sampler: SamplerName) -> Self {
        sampler.0.name
    }
}

impl PartialEq for SamplerName {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl fmt::Display for SamplerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

impl FromStr for SamplerName {
    type Err = RequestError;

    fn from_str(name: &str) -> Result<Self, RequestError> {
        CATALOGUE.iter().find(|info| info.name == name).map(Self).ok_or_else(|| {
            let known: Vec<&str> = CATALOGUE.iter().map(|info| info.name).collect();
            RequestError::new(Field::Sampler, format!("`{name}` is unknown; there are {}", known.join(", ")))
        })
    }
}
