use std::fmt;

use burn::tensor::{Tensor, TensorData};
use chacha20::ChaCha8Rng;
use chacha20::rand_core::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use super::{Noise, TorchNoise};

/// Points of the clock at which the path is known.
const GRID: u64 = 1 << 32;

/// The increments of one Brownian path, each divided by its standard deviation.
///
/// The path depends on the seed alone, not on the number of steps, their levels or the order of questions. A stochastic
/// sampler then draws, with more steps, the same image more exactly, where independent noise makes it another one.
/// Draws for disjoint intervals of levels are independent; for overlapping ones they are correlated as they must be.
///
/// The path runs by the clock `sigma/(1 + sigma)`. It is never stored, but refined by halves from its two ends for each
/// question (Lévy's construction; the virtual Brownian tree of Li et al. 2020), with the normal numbers of each point
/// from a stream of ChaCha8 of its own. The numbers are not those of k-diffusion's `BrownianTreeNoiseSampler`, which is
/// such a path by another generator and another clock. An image starts from what [`TorchNoise`] starts it from.
///
/// Levels closer than about `(1 + from)²/2³²` (6e-8 at level 14.6), which the clock cannot tell apart, share one of its
/// 2³² ticks.
///
/// # Panics
///
/// [`draw`](Noise::draw) panics if `to` is not below `from`.
#[derive(Clone, Serialize, Deserialize)]
pub struct BrownianNoise {
    seed: u64,
    /// The ends of the interval asked for last: the next one mostly begins at one of them.
    #[serde(skip)]
    known: Vec<Point>,
}

/// The path at one point of the clock.
#[derive(Clone)]
struct Point {
    time: u64,
    path: Vec<f64>,
}

impl BrownianNoise {
    /// The path of `seed`.
    pub fn new(seed: u64) -> Self {
        Self { seed, known: Vec::new() }
    }

    /// The first `count` elements of the path at `time`.
    fn at(&self, time: u64, count: usize) -> Point {
        let known = self.known.iter().find(|point| point.time == time && point.path.len() == count);
        known.cloned().unwrap_or_else(|| Point { time, path: walk(self.seed, time, count) })
    }
}

impl Noise for BrownianNoise {
    fn start(&mut self, like: &Tensor<4>) -> Tensor<4> {
        TorchNoise::new(self.seed).start(like)
    }

    fn draw(&mut self, like: &Tensor<4>, from: f64, to: f64) -> Tensor<4> {
        assert!(to < from, "noise for the way from level {from} to {to}, which is not below");
        let late = clock(from).max(1);
        let early = clock(to).min(late - 1);
        let shape = like.dims();
        let count = shape.iter().product();
        let (from, to) = (self.at(late, count), self.at(early, count));
        let spread = ((late - early) as f64 / GRID as f64).sqrt();
        let numbers: Vec<f64> = from.path.iter().zip(&to.path).map(|(from, to)| (from - to) / spread).collect();
        self.known = vec![from, to];
        Tensor::from_data(TensorData::new(numbers, shape), (&like.device(), like.dtype()))
    }
}

/// The point of the grid nearest to `sigma/(1 + sigma)`.
fn clock(sigma: f64) -> u64 {
    (sigma / (1.0 + sigma) * GRID as f64).round() as u64
}

/// The first `count` elements of the path at `time`, by halving the interval that `time` lies in until it is an end.
fn walk(seed: u64, time: u64, count: usize) -> Vec<f64> {
    let (mut low, mut high) = (0, GRID);
    let (mut path_low, mut path_high) = (vec![0.0; count], normals(seed, GRID).take(count).collect::<Vec<f64>>());
    while time != low && time != high {
        let middle = low.midpoint(high);
        // A Brownian bridge half-way: the mean of its ends, with a quarter of the interval as variance.
        let spread = ((high - low) as f64 / GRID as f64).sqrt() / 2.0;
        let is_left = time < middle;
        for ((low, high), normal) in path_low.iter_mut().zip(&mut path_high).zip(normals(seed, middle)) {
            let path = (*low + *high) / 2.0 + spread * normal;
            *(if is_left { high } else { low }) = path;
        }
        *(if is_left { &mut high } else { &mut low }) = middle;
    }
    if time == low { path_low } else { path_high }
}

/// The normal numbers of one point of the grid, for one element after the other.
fn normals(seed: u64, point: u64) -> impl Iterator<Item = f64> {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    let mut stream = ChaCha8Rng::from_seed(key);
    stream.set_stream(point);
    StandardNormal.sample_iter(stream)
}

/// By the seed, which is all that is drawn from.
impl PartialEq for BrownianNoise {
    fn eq(&self, other: &Self) -> bool {
        self.seed == other.seed
    }
}

impl fmt::Debug for BrownianNoise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BrownianNoise").field("seed", &self.seed).finish_non_exhaustive()
    }
}
