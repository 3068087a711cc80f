use burn::tensor::{DType, Device, Tensor, TensorData};

use crate::random::{Purpose, Stream};

/// Leaves out the changes of some outputs of each layer in a pass, so that the others do not rely on them: LyCORIS'
/// `rank_dropout`. The changes that stay are scaled up, so that their mean stays the same.
#[derive(Debug)]
pub struct RowDropout {
    share: f64,
    stream: Stream,
}

impl RowDropout {
    /// Creates the choices of a pass that begins with the draw `first`; `share`, in `[0, 1)`, is left out.
    pub fn new(share: f64, seed: u64, first: u64) -> Self {
        Self { share, stream: Stream::new(seed, Purpose::Dropout, first) }
    }

    /// Draws the factor of each row of the next change, `[rows, 1]`; none if nothing is left out.
    pub(super) fn rows(&mut self, rows: usize, device: &Device, dtype: DType) -> Option<Tensor<2>> {
        if self.share == 0.0 {
            return None;
        }
        let kept = 1.0 / (1.0 - self.share);
        let factors: Vec<f64> =
            (0..rows).map(|_| if self.stream.uniform() < self.share { 0.0 } else { kept }).collect();
        Some(Tensor::from_data(TensorData::new(factors, [rows, 1]), (device, dtype)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factors(share: f64, first: u64) -> Option<Vec<f32>> {
        let factors = RowDropout::new(share, 1, first).rows(4000, &Device::flex(), DType::F32);
        factors.map(|factors| factors.into_data().try_to_vec().unwrap())
    }

    /// Within five standard errors.
    #[test]
    fn rows_are_left_out_as_often_as_requested_and_the_mean_stays() {
        let factors = factors(0.25, 0).unwrap();
        assert!(factors.iter().all(|factor| *factor == 0.0 || (factor - 4.0 / 3.0).abs() < 1e-6));
        let mean = factors.iter().sum::<f32>() / 4000.0;
        assert!((mean - 1.0).abs() < 5.0 * (1.0_f32 / 3.0 / 4000.0).sqrt(), "{mean}");
    }

    #[test]
    fn a_pass_decides_alone() {
        assert_eq!(factors(0.5, 8), factors(0.5, 8));
        assert_ne!(factors(0.5, 8), factors(0.5, 9));
        assert_eq!(factors(0.0, 8), None);
    }
}
