use burn::tensor::{Tensor, TensorData};
use sd_samplers::{FreshNoise, Noise};

/// Noise that is 0, and records the requests.
#[derive(Default)]
pub(crate) struct Recorder {
    /// The two noise levels of each draw.
    pub draws: Vec<(f64, f64)>,
}

impl Noise for Recorder {
    fn start(&mut self, like: &Tensor<4>) -> Tensor<4> {
        like.zeros_like()
    }

    fn draw(&mut self, like: &Tensor<4>, from: f64, to: f64) -> Tensor<4> {
        self.draws.push((from, to));
        like.zeros_like()
    }
}

/// Noise that shows its effect: each column of an image receives one source of noise, with strength 1, and no other.
pub(crate) struct Probes {
    /// The sources of each draw and their strengths, whose squares add up to 1.
    draws: std::vec::IntoIter<Vec<(usize, f64)>>,
    /// Number of columns without noise, before those with a source each.
    silent: usize,
    /// Number of sources.
    pub sources: usize,
}

impl Probes {
    /// Creates the probes of recorded draws, for images whose first `silent` columns receive no noise.
    ///
    /// Draws of independent noise are sources themselves. Draws from a Brownian path are sums of its increments between
    /// neighbouring levels, where time is `sigma/(1 + sigma)`: see `sd_samplers::BrownianNoise`.
    pub fn new(draws: &[(f64, f64)], fresh: FreshNoise, silent: usize) -> Self {
        let (sources, draws): (usize, Vec<_>) = match fresh {
            FreshNoise::Never => {
                assert!(draws.is_empty(), "a sampler without fresh noise drew {} times", draws.len());
                (0, Vec::new())
            }
            FreshNoise::Steps => (draws.len(), (0..draws.len()).map(|k| vec![(k, 1.0)]).collect()),
            FreshNoise::Path => increments(draws),
        };
        Self { draws: draws.into_iter(), silent, sources }
    }
}

/// Returns the number of increments between neighbouring times, and each draw as a sum of them with variance 1.
fn increments(draws: &[(f64, f64)]) -> (usize, Vec<Vec<(usize, f64)>>) {
    let time = |sigma: f64| sigma / (1.0 + sigma);
    let mut times: Vec<f64> = draws.iter().flat_map(|&(from, to)| [time(from), time(to)]).collect();
    times.sort_by(f64::total_cmp);
    times.dedup();
    let parts = |&(from, to): &(f64, f64)| {
        let place = |sigma| times.partition_point(|&t| t < time(sigma));
        let whole = time(from) - time(to);
        (place(to)..place(from)).map(|i| (i, ((times[i + 1] - times[i]) / whole).sqrt())).collect()
    };
    (times.len().saturating_sub(1), draws.iter().map(parts).collect())
}

impl Noise for Probes {
    fn start(&mut self, like: &Tensor<4>) -> Tensor<4> {
        like.zeros_like()
    }

    fn draw(&mut self, like: &Tensor<4>, _from: f64, _to: f64) -> Tensor<4> {
        let mut row = vec![0.0; self.silent + self.sources];
        for (source, strength) in self.draws.next().expect("as many draws as were recorded") {
            row[self.silent + source] = strength;
        }
        let row = TensorData::new(row, [1, 1, 1, self.silent + self.sources]);
        Tensor::<4>::from_data(row, (&like.device(), like.dtype())).expand(like.dims())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_draws_of_a_path_share_their_increments() {
        // Times 3/4, 2/3, 1/2, 0.
        let (sources, draws) = increments(&[(3.0, 2.0), (3.0, 1.0), (1.0, 0.0)]);
        assert_eq!(sources, 3);
        assert_eq!(draws[0], [(2, 1.0)]);
        assert_eq!(draws[2], [(0, 1.0)]);
        let expected = [(1, (2.0_f64 / 3.0).sqrt()), (2, (1.0_f64 / 3.0).sqrt())];
        for ((source, strength), (i, expected)) in draws[1].iter().zip(expected) {
            assert!(*source == i && (strength - expected).abs() < 1e-15, "{:?}", draws[1]);
        }
    }
}
