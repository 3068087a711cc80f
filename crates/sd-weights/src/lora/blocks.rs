use std::thread;

/// The fewest values that are worth several threads.
const MANY: usize = 1 << 14;

/// Square matrices of one size, stored one after the other, row by row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Blocks {
    pub size: usize,
    pub values: Vec<f64>,
}

impl Blocks {
    /// Makes skew-symmetric matrices: each less its transpose, times `half`.
    pub fn skew(size: usize, values: &[f64], half: f64) -> Self {
        let skewed = |block: &[f64], i: usize, j: usize| half * (block[i * size + j] - block[j * size + i]);
        let indices = || (0..size).flat_map(|i| (0..size).map(move |j| (i, j)));
        let blocks = values.chunks(size * size);
        let values = blocks.flat_map(|block| indices().map(move |(i, j)| skewed(block, i, j))).collect();
        Self { size, values }
    }

    /// Makes skew-symmetric matrices from the values above their diagonals, row by row.
    pub fn skew_from_upper(size: usize, upper: &[f64]) -> Self {
        let mut values = Vec::with_capacity(upper.len() / (size - 1) * 2 * size);
        for upper in upper.chunks(size * (size - 1) / 2) {
            let mut block = vec![0.0; size * size];
            let indices = (0..size).flat_map(|i| (i + 1..size).map(move |j| (i, j)));
            for ((i, j), value) in indices.zip(upper) {
                (block[i * size + j], block[j * size + i]) = (*value, -value);
            }
            values.extend(block);
        }
        Self { size, values }
    }

    /// Returns the number of matrices.
    pub fn count(&self) -> usize {
        self.values.len() / (self.size * self.size)
    }

    /// Applies Cayley's map to each: `(I + Q)(I − Q)⁻¹`, which is orthogonal for a skew-symmetric `Q`.
    pub fn cayley(mut self) -> Self {
        let size = self.size;
        self.for_each(|block| {
            // It is 2(I − Q)⁻¹ − I.
            block.iter_mut().for_each(|value| *value = -*value);
            add_identity(block, size, 1.0);
            invert(block, size);
            block.iter_mut().for_each(|value| *value *= 2.0);
            add_identity(block, size, -1.0);
        });
        self
    }

    /// Runs `work` on each matrix, on all cores, because kohya's may have hundreds of rows.
    fn for_each(&mut self, work: impl Fn(&mut [f64]) + Sync) {
        let area = self.size * self.size;
        let cores = thread::available_parallelism().map_or(1, usize::from);
        if self.values.len() < MANY {
            return self.values.chunks_mut(area).for_each(work);
        }
        let (each, work) = (self.count().div_ceil(cores) * area, &work);
        thread::scope(|scope| {
            self.values.chunks_mut(each).for_each(|part| {
                scope.spawn(move || part.chunks_mut(area).for_each(work));
            });
        });
    }

    /// Applies the first terms of the same map's series, `I + 2Q + 2Q² + …`, the last of them halved as in PEFT.
    pub fn cayley_series(mut self, terms: usize) -> Self {
        let size = self.size;
        for block in self.values.chunks_mut(size * size) {
            let (q, mut power) = (block.to_vec(), block.to_vec());
            block.fill(0.0);
            add_identity(block, size, 1.0);
            let mut add = |power: &[f64], factor: f64| block.iter_mut().zip(power).for_each(|(b, p)| *b += factor * p);
            if terms > 1 {
                add(&power, 2.0);
            }
            if terms > 2 {
                for _ in 0..terms.saturating_sub(4) + 1 {
                    power = product(&power, &q, size);
                    add(&power, 2.0);
                }
                add(&product(&power, &q, size), 1.0);
            }
        }
        self
    }

    pub fn transposed(mut self) -> Self {
        let size = self.size;
        for block in self.values.chunks_mut(size * size) {
            for i in 0..size {
                (0..i).for_each(|j| block.swap(i * size + j, j * size + i));
            }
        }
        self
    }

    /// Interpolates between the identity, at a `weight` of 0, and the matrices, at 1.
    pub fn weighted(mut self, weight: f64) -> Self {
        let size = self.size;
        for block in self.values.chunks_mut(size * size) {
            block.iter_mut().for_each(|value| *value *= weight);
            add_identity(block, size, 1.0 - weight);
        }
        self
    }
}

fn add_identity(block: &mut [f64], size: usize, factor: f64) {
    block.iter_mut().step_by(size + 1).for_each(|value| *value += factor);
}

fn product(a: &[f64], b: &[f64], size: usize) -> Vec<f64> {
    let mut rows = vec![0.0; size * size];
    for (row, a) in rows.chunks_mut(size).zip(a.chunks(size)) {
        for (factor, b) in a.iter().zip(b.chunks(size)) {
            row.iter_mut().zip(b).for_each(|(sum, b)| *sum += factor * b);
        }
    }
    rows
}

/// Inverts a matrix in place, by Gauss and Jordan's elimination.
///
/// Its symmetric part has to be positive definite, as that of `I − Q` is, so that no pivot is zero.
fn invert(block: &mut [f64], size: usize) {
    for k in 0..size {
        let pivot = std::mem::replace(&mut block[k * size + k], 1.0);
        block[k * size..][..size].iter_mut().for_each(|value| *value /= pivot);
        let pivots = block[k * size..][..size].to_vec();
        for (_, row) in block.chunks_mut(size).enumerate().filter(|(i, _)| *i != k) {
            let factor = std::mem::replace(&mut row[k], 0.0);
            row.iter_mut().zip(&pivots).for_each(|(value, pivot)| *value -= factor * pivot);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(count: usize) -> Vec<f64> {
        (0..count).map(|i| (1.7 * i as f64).sin()).collect()
    }

    fn assert_close(found: &[f64], expected: &[f64], within: f64) {
        let furthest = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(found.len() == expected.len() && furthest <= within, "{furthest}");
    }

    #[test]
    fn cayleys_map_is_orthogonal_and_solves_its_equation() {
        for (size, count) in [(1, 2), (2, 2), (3, 2), (8, 2), (24, 31)] {
            let q = Blocks::skew(size, &values(count * size * size), 1.0);
            let r = q.clone().cayley();
            assert_eq!(r.count(), count);
            for (q, r) in q.values.chunks(size * size).zip(r.values.chunks(size * size)) {
                let transposed = Blocks { size, values: r.to_vec() }.transposed().values;
                let mut identity = vec![0.0; size * size];
                add_identity(&mut identity, size, 1.0);
                assert_close(&product(&transposed, r, size), &identity, 1e-12);
                // R(I − Q) = I + Q
                let q = |sign: f64| {
                    let mut q: Vec<f64> = q.iter().map(|value| sign * value).collect();
                    add_identity(&mut q, size, 1.0);
                    q
                };
                assert_close(&product(r, &q(-1.0), size), &q(1.0), 1e-12);
            }
        }
    }

    #[test]
    fn the_series_comes_as_near_to_the_map_as_its_last_term_is_small() {
        let small: Vec<f64> = values(6).into_iter().map(|value| 0.01 * value).collect();
        let q = Blocks::skew_from_upper(4, &small);
        let exact = q.clone().cayley().values;
        for (terms, within) in [(2, 3e-3), (3, 1e-4), (5, 3e-7), (9, 1e-12)] {
            assert_close(&q.clone().cayley_series(terms).values, &exact, within);
        }
        assert_eq!(q.clone().cayley_series(1), q.weighted(0.0));
    }

    #[test]
    fn a_weight_leads_from_the_identity_to_the_blocks() {
        let blocks = Blocks { size: 2, values: vec![3.0, 1.0, 2.0, 5.0] };
        assert_eq!(blocks.clone().weighted(1.0), blocks);
        assert_eq!(blocks.weighted(0.5).values, [2.0, 0.5, 1.0, 3.0]);
    }
}
