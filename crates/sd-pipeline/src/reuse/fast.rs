use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{DeepCache, Reuse};

/// A tested combination of what is reused: see docs/fast.md for what each costs and saves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fast {
    /// The smallest difference to the plain image.
    Quality,
    /// About half the arithmetic.
    Balanced,
    /// Less than a third of the arithmetic.
    Fastest,
}

impl Fast {
    /// All of them, the slowest first.
    pub const ALL: [Self; 3] = [Self::Quality, Self::Balanced, Self::Fastest];

    /// What is reused.
    pub fn reuse(self) -> Reuse {
        let cache = |interval| Some(DeepCache { interval, ..DeepCache::default() });
        match self {
            Self::Quality => Reuse { deep_cache: cache(2), ..Reuse::default() },
            Self::Balanced => Reuse { deep_cache: cache(2), text_gate: Some(0.7), ..Reuse::default() },
            Self::Fastest => Reuse { deep_cache: cache(3), text_gate: Some(0.4), ..Reuse::default() },
        }
    }
}

impl fmt::Display for Fast {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::Quality => "quality",
            Self::Balanced => "balanced",
            Self::Fastest => "fastest",
        })
    }
}

impl FromStr for Fast {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|fast| fast.to_string() == text);
        found.ok_or_else(|| "expected quality, balanced or fastest".into())
    }
}
