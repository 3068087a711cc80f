use std::ops::Range;

use crate::{Error, Field};

/// The part of a drawing's steps in which an image has an effect, as shares of them from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Window {
    pub start: f64,
    pub end: f64,
}

impl Window {
    /// Checks that the window is not empty.
    pub fn check(self, field: Field) -> Result<(), Error> {
        let Self { start, end } = self;
        if 0.0 <= start && start < end && end <= 1.0 {
            return Ok(());
        }
        let reason =
            format!("starts at {start} and ends at {end}: shares of the steps from 0 to 1 are needed, the start first");
        Err(Error::request(field, reason))
    }

    /// Whether the step that begins at this level is wholly inside, as in diffusers; `made` are all steps.
    pub fn has(self, level: usize, made: &Range<usize>) -> bool {
        let (step, steps) = ((level - made.start) as f64, made.len() as f64);
        step / steps >= self.start && (step + 1.0) / steps <= self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_belongs_to_the_window_that_it_is_wholly_in() {
        let inside = |start, end| {
            let window = Window { start, end };
            (10..15).filter(|level| window.has(*level, &(10..15))).collect::<Vec<_>>()
        };
        assert_eq!(inside(0.0, 1.0), [10, 11, 12, 13, 14]);
        assert_eq!(inside(0.2, 0.6), [11, 12]);
        assert_eq!(inside(0.1, 0.5), [11]);
        assert_eq!(inside(0.9, 1.0), [0; 0]);
    }

    #[test]
    fn an_empty_window_is_refused() {
        for (start, end) in [(0.5, 0.5), (0.6, 0.2), (-0.1, 1.0), (0.0, 1.1), (f64::NAN, 1.0), (0.0, f64::NAN)] {
            assert!(Window { start, end }.check(Field::Control).is_err(), "{start} {end}");
        }
        Window { start: 0.0, end: 1.0 }.check(Field::Control).unwrap();
    }
}
