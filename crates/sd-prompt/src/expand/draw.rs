use chacha20::ChaCha8Rng;
use chacha20::rand_core::{Rng as _, SeedableRng};

use super::choices::{Choices, join};
use super::survey::Survey;
use super::template::{Piece, Template};
use super::{Budget, ExpandError, Wildcards};

impl Template {
    /// Draws all choices.
    ///
    /// The text depends on the template, the entries of its wildcards and the seed alone, on every machine. Choices are drawn
    /// from left to right with ChaCha8, whose key is the seed (8 bytes, little-endian), 8 zeros, and `prompt`, padded with zeros.
    ///
    /// # Errors
    ///
    /// Fails if a wildcard that might be drawn is unknown, empty, unreadable or contains itself, so that all seeds fail or none; if
    /// the template is nested too deeply; and if the text becomes too long.
    pub fn draw(&self, seed: u64, wildcards: &Wildcards) -> Result<String, ExpandError> {
        let survey = Survey::new(self, wildcards)?;
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[16..22].copy_from_slice(b"prompt");
        let random = Random(ChaCha8Rng::from_seed(key));
        Drawing { survey: &survey, random, budget: Budget::new() }.pieces(&self.pieces)
    }
}

struct Drawing<'s, 'a> {
    survey: &'s Survey<'a>,
    random: Random,
    budget: Budget,
}

impl<'a> Drawing<'_, 'a> {
    fn pieces(&mut self, pieces: &'a [Piece]) -> Result<String, ExpandError> {
        let mut text = String::new();
        for piece in pieces {
            match (piece, self.survey.choices(piece)) {
                (_, Some(choices)) => text += &self.choices(&choices)?,
                (Piece::Text(part), None) => {
                    self.budget.spend(part.len())?;
                    text += part;
                }
                (_, None) => unreachable!("all but text has choices"),
            }
        }
        Ok(text)
    }

    fn choices(&mut self, choices: &Choices<'a>) -> Result<String, ExpandError> {
        let mut parts = Vec::new();
        for option in self.random.picks(choices) {
            self.budget.spend(choices.separator.len())?;
            parts.push(self.pieces(choices.options.pieces(option))?);
        }
        Ok(join(&parts, choices.separator))
    }
}

struct Random(ChaCha8Rng);

impl Random {
    /// Draws different options, one after the other, each by its weight among those that are left.
    fn picks(&mut self, choices: &Choices<'_>) -> Vec<usize> {
        let count = choices.least + self.below(choices.most - choices.least + 1);
        let weights = choices.options.weights();
        let mut left: Vec<usize> = (0..choices.options.len()).collect();
        let pick = |_| {
            let place = match &weights {
                Some(weights) => self.weighted(&left, weights),
                None => self.below(left.len()),
            };
            left.swap_remove(place)
        };
        (0..count).map(pick).collect()
    }

    /// Draws a number below `end`, all equally likely: of 64 bits, those are drawn again that would favour some.
    fn below(&mut self, end: usize) -> usize {
        let end = end as u64;
        let surplus = (u64::MAX % end + 1) % end;
        loop {
            let bits = self.0.next_u64();
            if bits <= u64::MAX - surplus {
                return (bits % end) as usize;
            }
        }
    }

    /// Draws a place in `left` by the weights of the options there, with 53 random bits. Options of weight 0 come last.
    fn weighted(&mut self, left: &[usize], weights: &[f64]) -> usize {
        let total: f64 = left.iter().map(|&option| weights[option]).sum();
        if total == 0.0 {
            return self.below(left.len());
        }
        let unit = (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        let mut level = unit * total;
        let mut last = 0;
        for (place, &option) in left.iter().enumerate().filter(|&(_, &option)| weights[option] > 0.0) {
            if level < weights[option] {
                return place;
            }
            level -= weights[option];
            last = place;
        }
        // Rounding may leave a rest.
        last
    }
}
