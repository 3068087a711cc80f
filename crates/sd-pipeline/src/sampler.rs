use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use sd_samplers::{CATALOGUE, Entry};

use crate::Error;

/// A sampler of the catalogue, chosen by name: `"dpm++2m".parse()`.
#[derive(Debug, Clone, Copy)]
pub struct SamplerName(&'static Entry);

impl Deref for SamplerName {
    type Target = Entry;

    fn deref(&self) -> &'static Entry {
        self.0
    }
}

impl PartialEq for SamplerName {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl fmt::Display for SamplerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl FromStr for SamplerName {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        CATALOGUE.iter().find(|entry| entry.name == name).map(Self).ok_or_else(|| {
            let known: Vec<&str> = CATALOGUE.iter().map(|entry| entry.name).collect();
            Error::Request(format!("unknown sampler `{name}`; there are {}", known.join(", ")))
        })
    }
}
