use std::fmt;
use std::str::FromStr;

use crate::Item;

/// A part of a batch: the `index`th of `count`, from 1.
///
/// Which part an image belongs to depends on its id alone. So every image is in one part, the parts are about equally large, and a longer
/// manifest moves no image to another part.
///
/// ```
/// let shard: sd_batch::Shard = "2/8".parse().unwrap();
/// assert_eq!(shard.to_string(), "2/8");
/// assert!("9/8".parse::<sd_batch::Shard>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: u64,
    count: u64,
}

impl Shard {
    /// Returns whether an image belongs to this part.
    pub fn has(self, item: &Item) -> bool {
        item.number() % self.count == self.index - 1
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(index, count)| Some((index.parse().ok()?, count.parse().ok()?)));
        match numbers {
            Some((index, count)) if (1..=count).contains(&index) => Ok(Self { index, count }),
            _ => Err("expected a part and the number of parts, from 1/N to N/N, such as 2/8".into()),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}
