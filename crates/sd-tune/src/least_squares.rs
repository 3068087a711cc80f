use serde::{Deserialize, Serialize};

/// The method of Levenberg and Marquardt for a few unknowns and many residuals, one iteration at a time.
///
/// The Jacobian is made of differences: an iteration evaluates the residuals once for each unknown, and once or more for the step.
/// In serde it is its state, from which it continues.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeastSquares {
    /// The best unknowns so far.
    unknowns: Vec<f64>,
    /// Their mean square; none before they are evaluated.
    mean_square: Option<f64>,
    damping: f64,
    finished: bool,
}

/// The change of an unknown for its column of the Jacobian: far above the rounding of networks in single precision.
const CHANGE: f64 = 2e-3;
/// An iteration that gains less than this share ends the search.
const LEAST_GAIN: f64 = 2e-3;
/// Attempts with more and more damping.
const ATTEMPTS: usize = 6;

impl LeastSquares {
    /// Begins at these unknowns.
    pub fn new(unknowns: Vec<f64>) -> Self {
        Self { unknowns, mean_square: None, damping: 1e-2, finished: false }
    }

    /// The best unknowns so far.
    pub fn unknowns(&self) -> &[f64] {
        &self.unknowns
    }

    /// The root mean square of their residuals; none before the first iteration.
    pub fn error(&self) -> Option<f64> {
        self.mean_square.map(f64::sqrt)
    }

    /// Whether nothing more is to be gained.
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// Makes an iteration; the first only evaluates the beginning. `residuals` returns none where the unknowns are not allowed.
    ///
    /// # Errors
    ///
    /// Those of `residuals`; the state then stays as it was.
    pub fn advance<E>(&mut self, residuals: &mut impl FnMut(&[f64]) -> Result<Option<Vec<f32>>, E>) -> Result<(), E> {
        let Some(before) = self.mean_square else {
            self.mean_square = residuals(&self.unknowns)?.map(|r| mean_square(&r));
            self.finished = self.mean_square.is_none() || self.unknowns.is_empty();
            return Ok(());
        };
        let Some(here) = residuals(&self.unknowns)? else { return Ok(()) };
        let (mut kept, mut columns) = (Vec::new(), Vec::new());
        for index in 0..self.unknowns.len() {
            for change in [CHANGE, -CHANGE] {
                let mut unknowns = self.unknowns.clone();
                unknowns[index] += change;
                if let Some(there) = residuals(&unknowns)? {
                    kept.push(index);
                    let slope = |(there, here): (&f32, &f32)| (f64::from(*there) - f64::from(*here)) / change;
                    columns.push(there.iter().zip(&here).map(slope).collect::<Vec<f64>>());
                    break;
                }
            }
        }
        let product = |a: &[f64], b: &mut dyn Iterator<Item = f64>| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let square: Vec<Vec<f64>> =
            columns.iter().map(|a| columns.iter().map(|b| product(a, &mut b.iter().copied())).collect()).collect();
        let slope: Vec<f64> = columns.iter().map(|a| product(a, &mut here.iter().map(|r| f64::from(*r)))).collect();
        let largest = (0..square.len()).map(|i| square[i][i]).fold(0.0, f64::max);
        for _ in 0..ATTEMPTS {
            let mut damped = square.clone();
            // The second part bounds unknowns that hardly matter.
            (0..square.len()).for_each(|i| damped[i][i] += self.damping * (square[i][i] + 1e-3 * largest));
            let mut unknowns = self.unknowns.clone();
            for (index, by) in kept.iter().zip(solve(damped, slope.clone())) {
                unknowns[*index] -= by;
            }
            let there = if unknowns.iter().all(|u| u.is_finite()) { residuals(&unknowns)? } else { None };
            if let Some(after) = there.map(|r| mean_square(&r)).filter(|after| *after < before) {
                (self.unknowns, self.mean_square) = (unknowns, Some(after));
                self.damping = (self.damping / 5.0).max(1e-6);
                self.finished = after > before * (1.0 - LEAST_GAIN);
                return Ok(());
            }
            self.damping *= 6.0;
        }
        self.finished = true;
        Ok(())
    }
}

fn mean_square(residuals: &[f32]) -> f64 {
    residuals.iter().map(|r| f64::from(*r).powi(2)).sum::<f64>() / residuals.len().max(1) as f64
}

/// Solves `a·x = b` for a symmetric positive matrix, by elimination.
fn solve(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
    let count = b.len();
    for pivot in 0..count {
        let row = a[pivot].clone();
        for below in pivot + 1..count {
            let factor = a[below][pivot] / row[pivot];
            a[below].iter_mut().zip(&row).for_each(|(a, r)| *a -= factor * r);
            b[below] -= factor * b[pivot];
        }
    }
    for pivot in (0..count).rev() {
        let known: f64 = (pivot + 1..count).map(|i| a[pivot][i] * b[i]).sum();
        b[pivot] = (b[pivot] - known) / a[pivot][pivot];
    }
    b
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn minimise(start: &[f64], residuals: impl Fn(&[f64]) -> Option<Vec<f32>>) -> (LeastSquares, usize) {
        let (mut search, mut evaluations) = (LeastSquares::new(start.to_vec()), 0);
        while !search.is_finished() {
            let evaluated: Result<(), Infallible> = search.advance(&mut |unknowns| {
                evaluations += 1;
                Ok(residuals(unknowns))
            });
            evaluated.unwrap();
        }
        (search, evaluations)
    }

    #[test]
    fn a_curve_is_fitted() {
        // a·e^(−b·t) with a = 2 and b = 1.5, and a small residual that no fit removes.
        let residuals = |u: &[f64]| {
            let of = |i: i32| u[0] * (-u[1] * f64::from(i) / 10.0).exp() - 2.0 * (-0.15 * f64::from(i)).exp();
            Some((0..30).map(|i| (of(i) + if i == 29 { 1e-4 } else { 0.0 }) as f32).collect())
        };
        let (found, evaluations) = minimise(&[1.0, 0.5], residuals);
        assert!((found.unknowns()[0] - 2.0).abs() < 1e-3 && (found.unknowns()[1] - 1.5).abs() < 1e-3, "{found:?}");
        assert!(found.error().unwrap() < 5e-5 && evaluations < 80, "{evaluations}: {found:?}");
    }

    #[test]
    fn forbidden_unknowns_are_not_taken() {
        let residuals = |u: &[f64]| (u[0] >= 0.5).then(|| vec![(u[0] - 0.2) as f32]);
        let found = minimise(&[2.0], residuals).0;
        assert!(found.unknowns()[0] >= 0.5 && found.unknowns()[0] < 2.0, "{found:?}");
    }

    #[test]
    fn a_system_is_solved() {
        let found = solve(vec![vec![4.0, 1.0], vec![1.0, 3.0]], vec![6.0, 7.0]);
        assert!((found[0] - 1.0).abs() < 1e-14 && (found[1] - 2.0).abs() < 1e-14);
    }
}
