use burn::tensor::Tensor;

use crate::DenoiseError;

/// The slope of an image at a time.
pub(crate) type Slope<'a> = dyn FnMut(Tensor<4>, f64) -> Result<Tensor<4>, DenoiseError> + 'a;

/// Calls of the slope in a [`trial`].
pub(crate) const CALLS: usize = 6;

/// A step of the pair of Runge–Kutta methods of order 5 and 4 (Dormand & Prince 1980), which may be rejected.
pub(crate) struct Trial {
    /// The image after the step, of order 5: `[batch, channels, height, width]`.
    pub x: Tensor<4>,
    /// The slope there.
    pub slope: Tensor<4>,
    /// Its difference from the result of order 4.
    pub error: Tensor<4>,
}

/// Steps from `x` at `time`, where the slope is `k1`, by `h`, which may be negative.
pub(crate) fn trial(slope: &mut Slope, x: &Tensor<4>, k1: Tensor<4>, time: f64, h: f64) -> Result<Trial, DenoiseError> {
    let along = |slopes: &[Tensor<4>], weights: &[f64]| {
        let moved = slopes.iter().zip(weights).filter(|(_, weight)| **weight != 0.0);
        moved.fold(x.clone(), |x, (slope, weight)| x + slope.clone() * (weight * h))
    };
    let mut slopes = vec![k1];
    for (node, weights) in STAGES {
        slopes.push(slope(along(&slopes, weights), time + node * h)?);
    }
    // The last stage is the end of the step.
    let x_ahead = along(&slopes, STAGES[CALLS - 1].1);
    let error = along(&slopes, &ERROR) - x.clone();
    Ok(Trial { x: x_ahead, slope: slopes.swap_remove(CALLS), error })
}

/// Where each further slope is taken, as a share of the step, and the weights of those before it.
const STAGES: [(f64, &[f64]); CALLS] = [
    (1.0 / 5.0, &[1.0 / 5.0]),
    (3.0 / 10.0, &[3.0 / 40.0, 9.0 / 40.0]),
    (4.0 / 5.0, &[44.0 / 45.0, -56.0 / 15.0, 32.0 / 9.0]),
    (8.0 / 9.0, &[19372.0 / 6561.0, -25360.0 / 2187.0, 64448.0 / 6561.0, -212.0 / 729.0]),
    (1.0, &[9017.0 / 3168.0, -355.0 / 33.0, 46732.0 / 5247.0, 49.0 / 176.0, -5103.0 / 18656.0]),
    (1.0, &[35.0 / 384.0, 0.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0]),
];

/// The weights of order 5 less those of order 4.
const ERROR: [f64; CALLS + 1] =
    [71.0 / 57600.0, 0.0, -71.0 / 16695.0, 71.0 / 1920.0, -17253.0 / 339200.0, 22.0 / 525.0, -1.0 / 40.0];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_of_a_stage_add_up_to_its_node_and_those_of_the_error_to_nothing() {
        for (node, weights) in STAGES {
            assert!((weights.iter().sum::<f64>() - node).abs() < 1e-14, "{node}");
        }
        assert!(ERROR.iter().sum::<f64>().abs() < 1e-16);
    }
}
