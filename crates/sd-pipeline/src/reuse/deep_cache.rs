use std::f64::consts::PI;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Which calls of the network compute its deep part, whose features the others take from the last of them (DeepCache: Ma et al. 2023,
/// [arXiv:2312.00858](https://arxiv.org/abs/2312.00858)).
///
/// As a text it is `interval`, `interval,branch` or `interval,branch,center,power`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeepCache {
    /// One of so many calls computes all of the network, at least 1.
    pub interval: usize,
    /// The last skip connection that is always computed, counted from the first convolution's, 0: see [`Deep`](sd_unet::Deep).
    pub branch: usize,
    /// Where the calls that compute everything are close together; none for a fixed interval.
    pub uneven: Option<Uneven>,
}

/// Calls that are close together near one of them (Ma et al. 2023, equation 9).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Uneven {
    /// The call, counted from 0.
    pub center: usize,
    /// How much closer, above 1.
    pub power: f64,
}

impl Uneven {
    /// Whether it is no power above 1.
    pub(crate) fn is_even(self) -> bool {
        self.power.is_nan() || self.power <= 1.0
    }
}

/// All of the network in every call.
impl Default for DeepCache {
    fn default() -> Self {
        Self { interval: 1, branch: 0, uneven: None }
    }
}

/// Why there are no uneven calls.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error(
    "no power from {power} down to 1 makes {full} different calls of {calls} around call {center}: use another interval, or a center \
     nearer to the beginning"
)]
pub struct DeepCacheError {
    /// The power that was given.
    pub power: f64,
    /// Number of calls that should compute everything.
    pub full: usize,
    /// Number of all calls.
    pub calls: usize,
    /// The center that was given.
    pub center: usize,
}

impl DeepCache {
    /// The calls that compute all of the network, of this many: they rise from 0.
    ///
    /// # Errors
    ///
    /// [`DeepCacheError`] if there is no uneven distribution.
    pub fn full_calls(&self, calls: usize) -> Result<Vec<usize>, DeepCacheError> {
        let full = calls.div_ceil(self.interval);
        match self.uneven {
            Some(Uneven { center, power }) if self.interval > 1 => {
                let mut powers = (0..1000).map(|i| power - 0.02 * f64::from(i)).take_while(|power| *power > 1.0);
                let found = powers.find_map(|power| {
                    let found = around(center, power, full, calls);
                    (found.len() == full).then_some(found)
                });
                let found = found.filter(|_| center < calls);
                found.ok_or(DeepCacheError { power, full, calls, center })
            }
            _ => Ok((0..calls).step_by(self.interval).collect()),
        }
    }
}

/// The reference's `sample_from_quad_center`: the real parts of powers of points on a line in the complex plane, from the root of
/// −center to that of calls − center. They are not always as many as wanted.
fn around(center: usize, power: f64, full: usize, calls: usize) -> Vec<usize> {
    let (center, calls) = (center as f64, calls as f64);
    let root = |x: f64| {
        let (size, angle) = (x.abs().powf(1.0 / power), if x < 0.0 { PI / power } else { 0.0 });
        (size * angle.cos(), size * angle.sin())
    };
    let (from, to) = (root(-center), root(calls - center));
    let offset = |i: usize| {
        let share = i as f64 / full as f64;
        let (re, im) = (from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share);
        (re.hypot(im).powf(power) * (power * im.atan2(re)).cos()).trunc() as i64
    };
    let mut offsets: Vec<i64> = (0..=full).map(offset).collect();
    offsets.sort_unstable();
    offsets.dedup();
    let inner = offsets.get(1..offsets.len().saturating_sub(1)).unwrap_or_default();
    let calls = inner.iter().filter_map(|offset| usize::try_from(offset + center as i64).ok());
    [0].into_iter().chain(calls).collect()
}

impl fmt::Display for DeepCache {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { interval, branch, uneven } = self;
        match (branch, uneven) {
            (0, None) => write!(f, "{interval}"),
            (branch, None) => write!(f, "{interval},{branch}"),
            (branch, Some(Uneven { center, power })) => write!(f, "{interval},{branch},{center},{power}"),
        }
    }
}

impl FromStr for DeepCache {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Vec<&str> = text.split(',').map(str::trim).collect();
        let whole = |text: &str| text.parse::<usize>().ok();
        let read = || match numbers[..] {
            [interval] => Some((whole(interval)?, 0, None)),
            [interval, branch] => Some((whole(interval)?, whole(branch)?, None)),
            [interval, branch, center, power] => {
                let uneven = Uneven { center: whole(center)?, power: power.parse().ok()? };
                Some((whole(interval)?, whole(branch)?, Some(uneven)))
            }
            _ => None,
        };
        let cache = read().map(|(interval, branch, uneven)| Self { interval, branch, uneven });
        cache.ok_or_else(|| {
            "expected INTERVAL, INTERVAL,BRANCH or INTERVAL,BRANCH,CENTER,POWER, such as 3 or 3,1".into()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_values_are_the_same() {
        for text in ["3", "3,1", "5,0,15,1.4"] {
            assert_eq!(text.parse::<DeepCache>().unwrap().to_string(), text);
        }
        for wrong in ["", "x", "3,", "3,1,2", "3,1,2,y", "-1", "1,2,3,4,5"] {
            assert!(wrong.parse::<DeepCache>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_fixed_interval_begins_with_the_first_call() {
        let full = |text: &str, calls| text.parse::<DeepCache>().unwrap().full_calls(calls).unwrap();
        assert_eq!(full("3", 8), [0, 3, 6]);
        assert_eq!(full("1", 3), [0, 1, 2]);
        assert_eq!(full("9", 3), [0]);
    }

    #[test]
    fn an_impossible_center_is_refused() {
        let refused = |text: &str, calls| text.parse::<DeepCache>().unwrap().full_calls(calls).unwrap_err().to_string();
        assert!(refused("2,0,20,1.4", 20).contains("10 different calls of 20 around call 20"));
        assert!(refused("2,0,3,1.02", 6).contains("no power from 1.02 down to 1"));
    }
}
