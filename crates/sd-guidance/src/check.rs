use std::ops::RangeInclusive;

use crate::{Apg, Guidance, Interval, Threshold};

/// Why guidance with these numbers makes no sense.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GuidanceError {
    /// A number that is not one, or outside its range.
    #[error("{field} is {found}: it must be {expected}")]
    Number {
        /// The field of [`Guidance`], as a path.
        field: &'static str,
        /// Its number.
        found: f64,
        /// Which numbers are allowed.
        expected: &'static str,
    },
    /// An interval without steps.
    #[error("the guidance interval begins at {from} and ends at {to}: it must begin before it ends, within 0 and 1")]
    Interval {
        /// Where it begins.
        from: f64,
        /// Where it ends.
        to: f64,
    },
    /// CFG++ with the guidance of an image.
    #[error("CFG++ has no rule for the guidance of an image: leave one of them out")]
    PlusPlusImage,
}

impl Guidance {
    /// Checks all numbers.
    ///
    /// # Errors
    ///
    /// The first that is wrong.
    pub fn check(&self) -> Result<(), GuidanceError> {
        let Self { scale, schedule, interval, plus_plus, image, rescale, apg, pag, sag, threshold, perpendicular } =
            self;
        let scales = if *plus_plus { SHARE } else { ANY };
        scales.check("scale", *scale)?;
        for scale in schedule.iter().flat_map(|schedule| schedule.scales()) {
            scales.check("schedule", scale)?;
        }
        let Interval { from, to } = *interval;
        if !(0.0 <= from && from < to && to <= 1.0) {
            return Err(GuidanceError::Interval { from, to });
        }
        if *plus_plus && image.is_some() {
            return Err(GuidanceError::PlusPlusImage);
        }
        image.map_or(Ok(()), |image| ANY.check("image", image))?;
        SHARE.check("rescale", *rescale)?;
        if let Some(Apg { eta, norm, momentum }) = *apg {
            ANY.check("apg.eta", eta)?;
            norm.map_or(Ok(()), |norm| POSITIVE.check("apg.norm", norm))?;
            MOMENTUM.check("apg.momentum", momentum)?;
        }
        NOT_NEGATIVE.check("pag", *pag)?;
        NOT_NEGATIVE.check("sag", *sag)?;
        if let Some(Threshold { percentile, mimic }) = *threshold {
            PERCENTILE.check("threshold.percentile", percentile)?;
            scales.check("threshold.mimic", mimic)?;
        }
        perpendicular.map_or(Ok(()), |weight| NOT_NEGATIVE.check("perpendicular", weight))
    }
}

/// A range of numbers, and how to say it.
struct Allowed(RangeInclusive<f64>, &'static str);

const TINIEST: f64 = f64::MIN_POSITIVE;
const ANY: Allowed = Allowed(f64::MIN..=f64::MAX, "a number");
const NOT_NEGATIVE: Allowed = Allowed(0.0..=f64::MAX, "a number of at least 0");
const POSITIVE: Allowed = Allowed(TINIEST..=f64::MAX, "a number above 0");
const SHARE: Allowed = Allowed(0.0..=1.0, "a number from 0 to 1");
const PERCENTILE: Allowed = Allowed(TINIEST..=1.0, "a number above 0, at most 1");
const MOMENTUM: Allowed = Allowed(-1.0 + f64::EPSILON..=1.0 - f64::EPSILON, "a number between -1 and 1");

impl Allowed {
    fn check(&self, field: &'static str, found: f64) -> Result<(), GuidanceError> {
        let Self(range, expected) = self;
        if range.contains(&found) { Ok(()) } else { Err(GuidanceError::Number { field, found, expected }) }
    }
}
