/// Images along a walk with many steps, drawn once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Trajectory {
    /// The noise level of each point, falling, the last at least 0.
    pub sigmas: Vec<f64>,
    /// The images there, in variance-exploding form.
    pub x: Vec<Vec<f32>>,
    /// The model's denoised images there; not needed at the last.
    pub denoised: Vec<Vec<f32>>,
}

impl Trajectory {
    /// The error of one step of Euler's method from a point of the walk to a later one, as seen from its end: the root mean square
    /// in variance-preserving form, since noise shrinks an error on its way down as it shrinks the image.
    fn error(&self, from: usize, to: usize) -> f64 {
        let share = self.sigmas[to] / self.sigmas[from];
        let (x, denoised) = (&self.x[from], &self.denoised[from]);
        let off = |((x, denoised), exact): ((&f32, &f32), &f32)| {
            let (x, denoised) = (f64::from(*x), f64::from(*denoised));
            denoised + share * (x - denoised) - f64::from(*exact)
        };
        let squares: f64 = x.iter().zip(denoised).zip(&self.x[to]).map(off).map(|off| off * off).sum();
        (squares / x.len() as f64).sqrt() / self.sigmas[to].hypot(1.0)
    }

    /// The levels of `steps` steps through points of the walk, from its first to its last, with the least sum of errors; none if
    /// it has too few points.
    pub fn fewest_errors(&self, steps: usize) -> Option<Vec<f64>> {
        let points = fewest_errors(self.sigmas.len(), steps, |from, to| self.error(from, to))?;
        Some(points.into_iter().map(|point| self.sigmas[point]).collect())
    }
}

/// The path of `steps` steps through some of `points` points in order, from the first to the last, whose steps cost least in all:
/// dynamic programming. None if there are no such paths.
pub fn fewest_errors(points: usize, steps: usize, cost: impl Fn(usize, usize) -> f64) -> Option<Vec<usize>> {
    if steps == 0 || points <= steps {
        return None;
    }
    let costs: Vec<Vec<f64>> = (0..points).map(|from| (from + 1..points).map(|to| cost(from, to)).collect()).collect();
    // The least cost of reaching each point in the steps so far, and for each step the point before.
    let mut reached = vec![f64::INFINITY; points];
    reached[0] = 0.0;
    let mut before = Vec::new();
    for _ in 0..steps {
        let best = |to: usize| {
            let ways = (0..to).map(|from| (from, reached[from] + costs[from][to - from - 1]));
            ways.fold((0, f64::INFINITY), |best, way| if way.1 < best.1 { way } else { best })
        };
        let (from, costs): (Vec<usize>, Vec<f64>) = (0..points).map(best).unzip();
        before.push(from);
        reached = costs;
    }
    let mut path = vec![points - 1];
    for from in before.iter().rev() {
        path.push(from[path[path.len() - 1]]);
    }
    path.reverse();
    reached[points - 1].is_finite().then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Costs as squares of lengths are least for equal lengths.
    #[test]
    fn the_cheapest_path_is_found() {
        let square = |from: usize, to: usize| ((to - from) * (to - from)) as f64;
        assert_eq!(fewest_errors(13, 4, square).unwrap(), [0, 3, 6, 9, 12]);
        assert_eq!(fewest_errors(4, 3, square).unwrap(), [0, 1, 2, 3]);
        assert_eq!(fewest_errors(3, 1, square).unwrap(), [0, 2]);
        assert_eq!(fewest_errors(3, 3, square), None);
    }

    #[test]
    fn a_walk_is_left_out_where_it_is_straight() {
        // Towards 1 from the noise 2 down to level 1, then towards 3.
        let sigmas = vec![4.0, 3.0, 2.0, 1.0, 0.5, 0.0];
        let x = vec![vec![9.0], vec![7.0], vec![5.0], vec![3.0], vec![3.0], vec![3.0]];
        let denoised = vec![vec![1.0], vec![1.0], vec![1.0], vec![3.0], vec![3.0], vec![3.0]];
        let trajectory = Trajectory { sigmas, x, denoised };
        assert_eq!(trajectory.fewest_errors(2).unwrap(), [4.0, 1.0, 0.0]);
    }
}
