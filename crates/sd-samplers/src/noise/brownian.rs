use std::fmt;

use burn::tensor::{Tensor, TensorData};
use chacha20::ChaCha8Rng;
use chacha20::rand_core::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use super::{Noise, TorchNoise};

/// Ticks of the clock; the path is defined at each.
const GRID: u64 = 1 << 32;

/// The increments of one Brownian path, each divided by its standard deviation.
///
/// The path depends only on the seed, not on the number of steps, their levels or the order of draws. With more steps, a
/// stochastic sampler thus draws the same image more exactly, whereas independent noise would give another image. Draws for
/// disjoint intervals of levels are independent; draws for overlapping intervals are correlated accordingly.
///
/// The clock of the path is `sigma/(1 + sigma)`. The path is never stored: each draw refines it by halves from its two ends
/// (Lévy's construction; the virtual Brownian tree of Li et al. 2020), and the normal numbers of each point come from a
/// ChaCha8 stream of their own. k-diffusion's `BrownianTreeNoiseSampler` is also such a path, but with another generator and
/// clock, so its values differ. Images start from the same noise as with [`TorchNoise`].
///
/// The clock has 2³² ticks. It cannot distinguish levels closer than about `(1 + from)²/2³²` (6e-8 at level 14.6); such
/// levels share one tick.
///
/// # Panics
///
/// [`draw`](Noise::draw) panics if `to` is not below `from`.
#[derive(Clone, Serialize, Deserialize)]
pub struct BrownianNoise {
    seed: u64,
    /// The noise from which images start; an image that is encoded first draws more than once.
    starts: TorchNoise,
    /// The ends of the last interval: the next one mostly begins at one of them.
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
        Self { seed, starts: TorchNoise::new(seed), known: Vec::new() }
    }

    /// The first `count` elements of the path at `time`.
    fn at(&self, time: u64, count: usize) -> Point {
        let known = self.known.iter().find(|point| point.time == time && point.path.len() == count);
        known.cloned().unwrap_or_else(|| Point { time, path: walk(self.seed, time, count) })
    }
}

impl Noise for BrownianNoise {
    fn start(&mut self, like: &Tensor<4>) -> Tensor<4> {
        self.starts.start(like)
    }

    fn draw(&mut self, like: &Tensor<4>, from: f64, to: f64) -> Tensor<4> {
        assert!(to < from, "noise is drawn from level {from} to {to}, which is not below");
        let late = clock(from).max(1);
        let early = clock(to).min(late - 1);
        let shape = like.dims();
        let count = shape.iter().product();
        let (from, to) = (self.at(late, count), self.at(early, count));
        let std = ((late - early) as f64 / GRID as f64).sqrt();
        let values: Vec<f64> = from.path.iter().zip(&to.path).map(|(from, to)| (from - to) / std).collect();
        self.known = vec![from, to];
        Tensor::from_data(TensorData::new(values, shape), (&like.device(), like.dtype()))
    }
}

/// The point of the grid nearest to `sigma/(1 + sigma)`.
fn clock(sigma: f64) -> u64 {
    (sigma / (1.0 + sigma) * GRID as f64).round() as u64
}

/// The first `count` elements of the path at `time`: halves the interval around `time` until `time` is one of its ends.
fn walk(seed: u64, time: u64, count: usize) -> Vec<f64> {
    let (mut low, mut high) = (0, GRID);
    let (mut path_low, mut path_high) = (vec![0.0; count], normals(seed, GRID).take(count).collect::<Vec<f64>>());
    while time != low && time != high {
        let middle = low.midpoint(high);
        // The middle of a Brownian bridge: the mean of its ends, with a quarter of the interval as variance.
        let std = ((high - low) as f64 / GRID as f64).sqrt() / 2.0;
        let is_left = time < middle;
        for ((low, high), normal) in path_low.iter_mut().zip(&mut path_high).zip(normals(seed, middle)) {
            let path = (*low + *high) / 2.0 + std * normal;
            *(if is_left { high } else { low }) = path;
        }
        *(if is_left { &mut high } else { &mut low }) = middle;
    }
    if time == low { path_low } else { path_high }
}

/// The normal numbers of one point of the grid, element by element.
fn normals(seed: u64, point: u64) -> impl Iterator<Item = f64> {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    let mut stream = ChaCha8Rng::from_seed(key);
    stream.set_stream(point);
    StandardNormal.sample_iter(stream)
}

/// Compares seeds, because the seed alone determines the draws.
impl PartialEq for BrownianNoise {
    fn eq(&self, other: &Self) -> bool {
        (self.seed, &self.starts) == (other.seed, &other.starts)
    }
}

impl fmt::Debug for BrownianNoise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BrownianNoise").field("seed", &self.seed).finish_non_exhaustive()
    }
}
