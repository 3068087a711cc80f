use std::fmt;

use sd_samplers::Convention;
use serde::{Deserialize, Serialize};

/// A value of a plan, and where it came from.
///
/// Equality compares only the values, because the origin does not change the image.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resolved<T> {
    /// The value.
    pub value: T,
    /// Where it came from.
    pub origin: Origin,
}

impl<T: PartialEq> PartialEq for Resolved<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T> Resolved<T> {
    pub(crate) fn new(value: T, origin: Origin) -> Self {
        Self { value, origin }
    }

    /// The requested value, if there is one.
    pub(crate) fn requested(value: Option<T>) -> Option<Self> {
        value.map(|value| Self::new(value, Origin::Request))
    }
}

/// Where a value of a plan came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Origin {
    /// The request.
    Request,
    /// The initial image.
    Image,
    /// The model's config files.
    Config,
    /// The model's own [`Defaults`](crate::Defaults).
    Model,
    /// The default of the reference implementation's class, if neither request nor config specifies the value.
    Class(Convention),
    /// The sampler's default for its option.
    Sampler,
    /// The default of this library, and of diffusers' pipelines.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request => f.write_str("as requested"),
            Self::Image => f.write_str("as of the initial image"),
            Self::Config => f.write_str("from the model's config"),
            Self::Model => f.write_str("the model's default"),
            Self::Class(convention) => write!(f, "the default of diffusers' {}", convention.class()),
            Self::Sampler => f.write_str("the sampler's default"),
            Self::Default => f.write_str("default"),
        }
    }
}
