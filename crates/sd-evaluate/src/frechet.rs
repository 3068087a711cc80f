use nalgebra::{DMatrix, DVector, SymmetricEigen};

/// The normal distribution with the mean and the covariance of some features.
#[derive(Debug, Clone, PartialEq)]
pub struct Gaussian {
    mean: DVector<f64>,
    covariance: DMatrix<f64>,
}

impl Gaussian {
    /// Fits the mean and the unbiased covariance of rows of features.
    ///
    /// # Panics
    ///
    /// Panics if there are fewer than two rows, or if their lengths differ.
    pub fn from_rows<'a>(rows: impl IntoIterator<Item = &'a [f32]>) -> Self {
        let rows: Vec<DVector<f64>> =
            rows.into_iter().map(|row| DVector::from_iterator(row.len(), row.iter().map(|x| f64::from(*x)))).collect();
        assert!(rows.len() > 1, "{} rows, but a covariance needs at least 2", rows.len());
        let features = DMatrix::from_columns(&rows);
        let mean = features.column_mean();
        let apart = DMatrix::from_columns(&rows.iter().map(|row| row - &mean).collect::<Vec<_>>());
        let covariance = &apart * apart.transpose() / (rows.len() - 1) as f64;
        Self { mean, covariance }
    }

    /// The squared Fréchet distance, `|m − m'|² + tr(C + C' − 2·sqrt(C·C'))` (Dowson & Landau 1982; Heusel et al. 2017).
    ///
    /// The trace of the root is computed as that of `sqrt(sqrt(C)·C'·sqrt(C))`, which is symmetric and so has a root
    /// whatever the rounding.
    ///
    /// # Panics
    ///
    /// Panics if the two have different dimensions.
    pub fn frechet(&self, other: &Self) -> f64 {
        let root = root(&self.covariance);
        let product = &root * &other.covariance * &root;
        let product = (&product + product.transpose()) / 2.0;
        let root_trace: f64 = product.symmetric_eigenvalues().iter().map(|x| x.max(0.0).sqrt()).sum();
        let trace = self.covariance.trace() + other.covariance.trace() - 2.0 * root_trace;
        (&self.mean - &other.mean).norm_squared() + trace
    }
}

/// Returns the symmetric root of a covariance; eigenvalues that rounding made negative count as 0.
fn root(covariance: &DMatrix<f64>) -> DMatrix<f64> {
    let SymmetricEigen { eigenvectors, eigenvalues } = SymmetricEigen::new(covariance.clone());
    let roots = DMatrix::from_diagonal(&eigenvalues.map(|x| x.max(0.0).sqrt()));
    &eigenvectors * roots * eigenvectors.transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sd_train::{Purpose, Stream};

    fn gaussian(mean: &[f64], covariance: &[f64]) -> Gaussian {
        let n = mean.len();
        Gaussian { mean: DVector::from_row_slice(mean), covariance: DMatrix::from_row_slice(n, n, covariance) }
    }

    #[track_caller]
    fn assert_near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-9 * (1.0 + expected.abs()), "{found} instead of {expected}");
    }

    #[test]
    fn mean_and_covariance_are_those_of_the_rows() {
        let found = Gaussian::from_rows([&[1.0, 2.0][..], &[3.0, 6.0], &[5.0, 1.0]]);
        assert_eq!(found, gaussian(&[3.0, 3.0], &[4.0, -1.0, -1.0, 7.0]));
    }

    /// Independent coordinates: the sum of (m − m')² + (s − s')².
    #[test]
    fn with_diagonal_covariances_standard_deviations_are_subtracted() {
        let a = gaussian(&[0.0, 1.0, 2.0], &[4.0, 0.0, 0.0, 0.0, 9.0, 0.0, 0.0, 0.0, 0.25]);
        let b = gaussian(&[1.0, 1.0, 4.0], &[1.0, 0.0, 0.0, 0.0, 16.0, 0.0, 0.0, 0.0, 0.25]);
        assert_near(a.frechet(&b), (1.0 + 1.0) + (0.0 + 1.0) + (4.0 + 0.0));
    }

    /// Two covariances that do not commute: in two dimensions the trace of the root of a product is
    /// `sqrt(tr + 2·sqrt(det))`.
    #[test]
    fn covariances_that_do_not_commute_have_their_closed_form() {
        let a = gaussian(&[0.0, 0.0], &[2.0, 1.0, 1.0, 3.0]);
        let b = gaussian(&[0.0, 0.0], &[5.0, -2.0, -2.0, 1.0]);
        let product_trace = 2.0 * 5.0 - 2.0 - 2.0 + 3.0;
        let product_det = (2.0 * 3.0 - 1.0) * (5.0 - 4.0_f64);
        let expected = 5.0 + 6.0 - 2.0 * (product_trace + 2.0 * product_det.sqrt()).sqrt();
        assert_near(a.frechet(&b), expected);
    }

    fn random(seed: u64, rows: usize, features: usize) -> Gaussian {
        let values = Stream::new(seed, Purpose::Noise, 0).normals().take(rows * features);
        let values: Vec<f32> = values.map(|x| x as f32).collect();
        Gaussian::from_rows(values.chunks(features))
    }

    #[test]
    fn the_distance_is_symmetric_and_zero_to_itself() {
        let (a, b) = (random(1, 50, 12), random(2, 40, 12));
        assert_near(a.frechet(&b), b.frechet(&a));
        assert_near(a.frechet(&a), 0.0);
        assert!(a.frechet(&b) > 0.1);
    }

    /// An eigenvalue of 0 with a rounding error of 1e-14 has a root of 1e-7.
    #[test]
    fn fewer_rows_than_features_cost_no_more_than_the_root_of_rounding() {
        let a = random(3, 5, 12);
        assert!(a.frechet(&a).abs() < 1e-5, "{}", a.frechet(&a));
    }

    /// `2d/n` for the means and, to the first order in `1/n`, `(d² + d)/2n` for the covariances.
    #[test]
    fn two_sets_of_one_distribution_are_as_far_apart_as_their_size_makes_them() {
        let d = 8;
        for rows in [100, 2000] {
            let found = random(4, rows, d).frechet(&random(5, rows, d));
            let expected = (2 * d + (d * d + d) / 2) as f64 / rows as f64;
            assert!((found / expected - 1.0).abs() < 0.3, "{rows} rows: {found} instead of {expected}");
        }
    }
}
