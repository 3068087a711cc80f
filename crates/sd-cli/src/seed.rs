use std::str::FromStr;
use std::time::SystemTime;

/// The value of `--seed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seed {
    /// A new random seed, written -1 as in other programs.
    New,
    Given(u64),
}

impl FromStr for Seed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // Of a negative number PyTorch takes the bits.
        match (text.parse::<u64>(), text.parse::<i64>()) {
            (_, Ok(-1)) => Ok(Self::New),
            (Ok(seed), _) => Ok(Self::Given(seed)),
            (_, Ok(seed)) => Ok(Self::Given(seed as u64)),
            _ => Err(format!("expected a whole number from {} to {}, or -1 for a new one", i64::MIN, u64::MAX)),
        }
    }
}

impl Seed {
    /// The seed as a number. A new one has at most ten digits, so that it is easy to type again.
    pub fn number(self) -> u64 {
        match self {
            Self::Given(seed) => seed,
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
            assert_eq!(text.parse(), Ok(Seed::Given(seed)));
        }
        assert_eq!("-1".parse(), Ok(Seed::New));
        for text in ["", "1.5", "x", "18446744073709551616", "-9223372036854775809"] {
            assert!(text.parse::<Seed>().is_err(), "{text}");
        }
    }
}
