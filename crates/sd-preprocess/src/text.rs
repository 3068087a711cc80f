//! Preprocessors as text: `canny:50:120`.

use std::fmt;
use std::str::FromStr;

use crate::network::networks_own;
use crate::{Entry, PreprocessError, Preprocessor};

impl fmt::Display for Preprocessor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.entry().name)?;
        match self {
            Self::Canny { low, high } => write!(f, ":{low}:{high}"),
            Self::Scribble { threshold } => write!(f, ":{threshold}"),
            Self::Threshold { level } => write!(f, ":{level}"),
            Self::Blur { sigma } => write!(f, ":{sigma}"),
            Self::Tile { factor } => write!(f, ":{factor}"),
            Self::Luminance { gamma } | Self::Intensity { gamma } => write!(f, ":{gamma}"),
            Self::None | Self::LineartStandard | Self::Colour | Self::Invert | Self::Inpaint => Ok(()),
        }
    }
}

impl FromStr for Preprocessor {
    type Err = PreprocessError;

    /// Reads a name, in any case and with `-` or `_`, and behind it all of its numbers or none.
    fn from_str(text: &str) -> Result<Self, PreprocessError> {
        let mut parts = text.trim().split(':').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let plain = name.to_lowercase().replace('_', "-");
        let is_called = |entry: &&Entry| entry.name == plain || entry.aliases.contains(&plain.as_str());
        let Some(entry) = Self::ALL.iter().find(is_called) else {
            return Err(networks_own(name, &plain));
        };
        let numbers: Vec<&str> = parts.collect();
        if numbers.is_empty() {
            return Ok(entry.default);
        }
        if numbers.len() != entry.numbers.len() {
            return Err(PreprocessError::Count { found: text.into(), expected: entry.usage() });
        }
        let preprocessor = with_numbers(entry, &numbers)?;
        preprocessor.check()?;
        Ok(preprocessor)
    }
}

fn with_numbers(entry: &Entry, numbers: &[&str]) -> Result<Preprocessor, PreprocessError> {
    let byte = |i: usize| parsed::<u8>(entry, i, numbers[i], BYTE);
    let decimal = |i: usize, range| parsed::<f64>(entry, i, numbers[i], range);
    Ok(match entry.default {
        Preprocessor::Canny { .. } => Preprocessor::Canny { low: byte(0)?, high: byte(1)? },
        Preprocessor::Scribble { .. } => Preprocessor::Scribble { threshold: byte(0)? },
        Preprocessor::Threshold { .. } => Preprocessor::Threshold { level: byte(0)? },
        Preprocessor::Blur { .. } => Preprocessor::Blur { sigma: decimal(0, SIGMA)? },
        Preprocessor::Tile { .. } => Preprocessor::Tile { factor: decimal(0, FACTOR)? },
        Preprocessor::Luminance { .. } => Preprocessor::Luminance { gamma: decimal(0, GAMMA)? },
        Preprocessor::Intensity { .. } => Preprocessor::Intensity { gamma: decimal(0, GAMMA)? },
        without => without,
    })
}

fn parsed<T: FromStr>(entry: &Entry, i: usize, text: &str, range: &'static str) -> Result<T, PreprocessError> {
    text.parse().map_err(|_| out_of_range(entry, i, format!("`{text}`"), range))
}

fn out_of_range(entry: &Entry, i: usize, found: String, expected: &'static str) -> PreprocessError {
    PreprocessError::Number { preprocessor: entry.name, number: entry.numbers[i], found, expected }
}

const BYTE: &str = "a whole number from 0 to 255";
const SIGMA: &str = "a number of pixels above 0 and up to 64";
const FACTOR: &str = "a number from 1 to 64";
const GAMMA: &str = "a number above 0 and up to 10";

impl Preprocessor {
    /// Checks the numbers. What was read from text has been checked.
    ///
    /// # Errors
    ///
    /// [`PreprocessError::Number`] and [`PreprocessError::Thresholds`].
    pub fn check(&self) -> Result<(), PreprocessError> {
        let (is_right, found, range) = match *self {
            Self::Canny { low, high } if low > high => return Err(PreprocessError::Thresholds { low, high }),
            Self::Blur { sigma } => (sigma > 0.0 && sigma <= 64.0, sigma, SIGMA),
            Self::Tile { factor } => ((1.0..=64.0).contains(&factor), factor, FACTOR),
            Self::Luminance { gamma } | Self::Intensity { gamma } => (gamma > 0.0 && gamma <= 10.0, gamma, GAMMA),
            _ => return Ok(()),
        };
        if is_right { Ok(()) } else { Err(out_of_range(self.entry(), 0, found.to_string(), range)) }
    }
}

impl TryFrom<String> for Preprocessor {
    type Error = PreprocessError;

    fn try_from(text: String) -> Result<Self, PreprocessError> {
        text.parse()
    }
}

impl From<Preprocessor> for String {
    fn from(preprocessor: Preprocessor) -> Self {
        preprocessor.to_string()
    }
}
