use std::str::FromStr;
use std::time::SystemTime;

/// What `--seed` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seed {
    /// A new one, which -1 means in other programs.
    New,
    Is(u64),
}

impl FromStr for Seed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // PyTorch takes the bits of a negative number.
        match (text.parse::<u64>(), text.parse::<i64>()) {
            (_, Ok(-1)) => Ok(Self::New),
            (Ok(seed), _) => Ok(Self::Is(seed)),
            (_, Ok(seed)) => Ok(Self::Is(seed as u64)),
            _ => Err(format!("a seed is a whole number from {} to {}, -1 for a new one", i64::MIN, u64::MAX)),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The values of PyTorch: `torch.Generator().manual_seed(-2).initial_seed()`.
    #[test]
    fn seeds_are_those_of_pytorch_and_minus_one_is_a_new_one() {
        for (text, seed) in [("0", 0), ("18446744073709551615", u64::MAX), ("-2", 18_446_744_073_709_551_614)] {
            assert_eq!(text.parse(), Ok(Seed::Is(seed)));
        }
        assert_eq!("-1".parse(), Ok(Seed::New));
        for text in ["", "1.5", "x", "18446744073709551616", "-9223372036854775809"] {
            assert!(text.parse::<Seed>().is_err(), "{text}");
        }
    }
}
