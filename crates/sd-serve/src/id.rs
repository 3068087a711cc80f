use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// The name of a job: 26 hexadecimal digits, of which the first eleven are the time in milliseconds. So names sort by age, and
/// nobody guesses another's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JobId(String);

const TIME_DIGITS: usize = 11;
const RANDOM_DIGITS: usize = 15;

impl JobId {
    /// A new name.
    ///
    /// # Panics
    ///
    /// If the system has no random numbers.
    pub fn new() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis());
        let random = getrandom::u64().expect("the system has random numbers") >> (64 - 4 * RANDOM_DIGITS);
        Self(format!("{:0w$x}{random:0r$x}", now & 0xfff_ffff_ffff, w = TIME_DIGITS, r = RANDOM_DIGITS))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of an image: that of its job, and its number there from 0.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ImageId {
    /// The job.
    pub job: JobId,
    /// The image's number in the job, from 0.
    pub index: u64,
}

/// A text that names nothing.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{0:?} is no name of a job or an image")]
pub struct WrongId(String);

impl FromStr for JobId {
    type Err = WrongId;

    fn from_str(text: &str) -> Result<Self, WrongId> {
        let digits = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        match text.len() == TIME_DIGITS + RANDOM_DIGITS && text.bytes().all(digits) {
            true => Ok(Self(text.into())),
            false => Err(WrongId(text.chars().take(80).collect())),
        }
    }
}

impl FromStr for ImageId {
    type Err = WrongId;

    fn from_str(text: &str) -> Result<Self, WrongId> {
        let wrong = || WrongId(text.chars().take(80).collect());
        let (job, index) = text.split_once('-').ok_or_else(wrong)?;
        let id = Self { job: job.parse()?, index: index.parse().map_err(|_| wrong())? };
        // One image has one name: not also `-007` and `-+7`.
        if id.to_string() == text { Ok(id) } else { Err(wrong()) }
    }
}

impl Default for JobId {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ImageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.job, self.index)
    }
}

impl TryFrom<String> for JobId {
    type Error = WrongId;

    fn try_from(text: String) -> Result<Self, WrongId> {
        text.parse()
    }
}

impl TryFrom<String> for ImageId {
    type Error = WrongId;

    fn try_from(text: String) -> Result<Self, WrongId> {
        text.parse()
    }
}

impl From<JobId> for String {
    fn from(id: JobId) -> Self {
        id.0
    }
}

impl From<ImageId> for String {
    fn from(id: ImageId) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_from_their_text_and_nothing_else_is_a_name() {
        let id = ImageId { job: JobId::new(), index: 12 };
        assert_eq!(id.to_string().parse(), Ok(id.clone()));
        let job = id.job.to_string();
        for text in ["", "..", "../../etc/passwd", &job.to_uppercase(), &job[1..], &format!("{job}/")] {
            assert!(text.parse::<JobId>().is_err(), "{text:?}");
        }
        for text in [job.clone(), format!("{job}-"), format!("{job}-01"), format!("{job}-+1"), format!("{job}-1-2")] {
            assert!(text.parse::<ImageId>().is_err(), "{text:?}");
        }
    }
}
