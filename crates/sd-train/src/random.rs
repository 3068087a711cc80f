use std::ops::Range;

use burn::tensor::{DType, Device, Tensor, TensorData};
use chacha20::ChaCha8Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use rand_distr::{Distribution, StandardNormal};

/// What random numbers are drawn for. Each purpose has its own streams, so that none shifts another's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The initial values of a parameter, by its index in the module.
    Initial = 0,
    /// The order of the images, by epoch.
    Order = 1,
    /// A draw's timestep, or its level.
    Timestep = 2,
    /// The noise of a draw.
    Noise = 3,
    /// The offset of that noise.
    Offset = 4,
    /// Whether a draw's caption is dropped.
    Caption = 5,
    /// The noise by which a draw's latents are sampled from the encoder's distribution.
    Posterior = 6,
    /// Which rows of an adapter's changes are left out, by the first draw of a pass.
    Dropout = 7,
    /// The order of the tags of a draw's caption.
    Tags = 8,
    /// The guidance scale that a student learns, by the first draw of a pass.
    Guidance = 9,
    /// The template of a draw's caption.
    Template = 10,
    /// Whether a draw's network reads its own prediction.
    SelfConditioning = 11,
}

/// The random numbers of one draw: a ChaCha8 stream that depends on the seed, the purpose and the index alone.
///
/// Draws are counted over the whole training, one for each image in a batch. So a checkpoint needs no more than their
/// count, and the size of batches and passes does not matter.
#[derive(Debug)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// Creates the stream of the draw (or parameter, or epoch) `index`.
    pub fn new(seed: u64, purpose: Purpose, index: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&(purpose as u64).to_le_bytes());
        let mut stream = ChaCha8Rng::from_seed(key);
        stream.set_stream(index);
        Self(stream)
    }

    /// Draws from the uniform distribution on `[0, 1)`, with 53 bits.
    pub fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Draws an integer below `end`; all are equally likely up to 2⁻⁵³.
    pub fn below(&mut self, end: usize) -> usize {
        // The product may round up to `end` itself.
        ((self.uniform() * end as f64) as usize).min(end - 1)
    }

    /// Puts items into a random order (Fisher and Yates, in Durstenfeld's form of 1964).
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    /// Draws from the standard normal distribution.
    pub fn normals(self) -> impl Iterator<Item = f64> {
        StandardNormal.sample_iter(self.0)
    }
}

/// Returns standard normal values for some draws, `[draws, channels, height, width]`; `shape` is that of one draw.
pub(crate) fn normals(
    seed: u64,
    purpose: Purpose,
    draws: Range<u64>,
    shape: [usize; 3],
    device: &Device,
    dtype: DType,
) -> Tensor<4> {
    let [channels, height, width] = shape;
    let each = channels * height * width;
    let count = draws.clone().count();
    let values: Vec<f64> = draws.flat_map(|draw| Stream::new(seed, purpose, draw).normals().take(each)).collect();
    Tensor::from_data(TensorData::new(values, [count, channels, height, width]), (device, dtype))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(seed: u64, purpose: Purpose, index: u64) -> f64 {
        Stream::new(seed, purpose, index).uniform()
    }

    #[test]
    fn a_stream_depends_on_seed_purpose_and_index_alone() {
        let known = first(1, Purpose::Noise, 2);
        assert_eq!(known, first(1, Purpose::Noise, 2));
        for other in [first(2, Purpose::Noise, 2), first(1, Purpose::Order, 2), first(1, Purpose::Noise, 3)] {
            assert_ne!(known, other);
        }
    }

    /// The moments of the distributions, each within five of its standard errors.
    #[test]
    fn numbers_are_distributed_as_they_should_be() {
        let n = 40_000;
        let mut stream = Stream::new(3, Purpose::Timestep, 0);
        let mean = (0..n).map(|_| stream.uniform()).sum::<f64>() / f64::from(n);
        assert!((mean - 0.5).abs() < 5.0 / (12.0 * f64::from(n)).sqrt(), "{mean}");
        let normals: Vec<f64> = Stream::new(3, Purpose::Noise, 0).normals().take(n as usize).collect();
        let variance = normals.iter().map(|x| x * x).sum::<f64>() / f64::from(n);
        assert!((variance - 1.0).abs() < 5.0 * (2.0 / f64::from(n)).sqrt(), "{variance}");
    }

    #[test]
    fn whole_numbers_reach_every_value_below_the_end_and_no_other() {
        let mut stream = Stream::new(0, Purpose::Order, 0);
        let mut seen = [false; 5];
        (0..100).for_each(|_| seen[stream.below(5)] = true);
        assert_eq!(seen, [true; 5]);
    }
}
