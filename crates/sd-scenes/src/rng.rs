use std::ops::Range;

use chacha20::ChaCha8Rng;
use chacha20::rand_core::{Rng as _, SeedableRng};

/// Random choices of a seed for a topic. The choices for one topic do not depend on how many are made for another.
pub(crate) struct Rng(ChaCha8Rng);

impl Rng {
    /// Creates the choices of a seed for a topic.
    pub fn new(seed: u64, topic: &str) -> Self {
        Self::nth(seed, topic, 0)
    }

    /// Creates the choices of a seed for item `index` of a topic.
    ///
    /// # Panics
    ///
    /// Panics if the topic is longer than 16 bytes.
    pub fn nth(seed: u64, topic: &str, index: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&index.to_le_bytes());
        key[16..16 + topic.len()].copy_from_slice(topic.as_bytes());
        Self(ChaCha8Rng::from_seed(key))
    }

    /// Draws a number below `end`. The bias of the multiplication is below `end / 2³²`.
    pub fn below(&mut self, end: usize) -> usize {
        ((u64::from(self.0.next_u32()) * end as u64) >> 32) as usize
    }

    /// Draws a number in the range, with 24 random bits.
    pub fn within(&mut self, range: Range<f32>) -> f32 {
        let unit = (self.0.next_u32() >> 8) as f32 / (1 << 24) as f32;
        range.start + unit * (range.end - range.start)
    }

    /// Returns true with some probability.
    pub fn chance(&mut self, probability: f32) -> bool {
        self.within(0.0..1.0) < probability
    }

    /// Picks one of the values with equal probability.
    pub fn pick<'a, T>(&mut self, values: &'a [T]) -> &'a T {
        &values[self.below(values.len())]
    }

    /// Returns the values in a random order.
    pub fn shuffled<T: Clone>(&mut self, values: &[T]) -> Vec<T> {
        let mut values = values.to_vec();
        for last in (1..values.len()).rev() {
            values.swap(last, self.below(last + 1));
        }
        values
    }

    /// Draws 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }
}
