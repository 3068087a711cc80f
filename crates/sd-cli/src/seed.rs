use std::str::FromStr;
use std::time::SystemTime;

/// What `--seed` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seed {
    /// A new one, which other programs write as -1.
    New,
    Is(u64),
}

impl FromStr for Seed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(seed) => Ok(Self::Is(seed)),
            Err(_) if text == "-1" => Ok(Self::New),
            Err(_) => Err(format!("a seed is a whole number from 0 to {}, or -1 for a new one", u64::MAX)),
        }
    }
}

impl Seed {
    /// The number: a new one is short enough to type again.
    pub fn number(self) -> u64 {
        match self {
            Self::Is(seed) => seed,
            Self::New => {
                let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                now.as_nanos() as u64 % (1 << 32)
            }
        }
    }
}
