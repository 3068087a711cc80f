use std::ops::Range;

use chacha20::ChaCha8Rng;
use chacha20::rand_core::{Rng as _, SeedableRng};

/// Random choices of one seed on one topic: those on one topic do not change with how many are made on another.
pub(crate) struct Rng(ChaCha8Rng);

impl Rng {
    /// The choices of a seed on a topic.
    pub fn new(seed: u64, topic: &str) -> Self {
        Self::nth(seed, topic, 0)
    }

    /// The choices of a seed on the topic's item `index`.
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

    /// A number below `end`. The bias of the multiplication is below `end / 2³²`.
    pub fn below(&mut self, end: usize) -> usize {
        ((u64::from(self.0.next_u32()) * end as u64) >> 32) as usize
    }

    /// A number of the range, of 24 random bits.
    pub fn within(&mut self, range: Range<f32>) -> f32 {
        let unit = (self.0.next_u32() >> 8) as f32 / (1 << 24) as f32;
        range.start + unit * (range.end - range.start)
    }

    /// Whether something of such a probability happens.
    pub fn chance(&mut self, probability: f32) -> bool {
        self.within(0.0..1.0) < probability
    }

    /// One of the values, all as probable.
    pub fn pick<'a, T>(&mut self, values: &'a [T]) -> &'a T {
        &values[self.below(values.len())]
    }

    /// The values in a random order.
    pub fn shuffled<T: Clone>(&mut self, values: &[T]) -> Vec<T> {
        let mut values = values.to_vec();
        for last in (1..values.len()).rev() {
            values.swap(last, self.below(last + 1));
        }
        values
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }
}
