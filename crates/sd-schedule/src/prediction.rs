/// What a network's output means, as coefficients in variance-exploding form, `x = x0 + sigma·eps`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Prediction {
    /// The noise `eps` (Ho et al. 2020, equation 14).
    Eps,
    /// The velocity `v = sqrt(alpha_bar)·eps − sqrt(1 − alpha_bar)·x0` (Salimans & Ho 2022, appendix D).
    V,
    /// The image `x0` itself.
    X0,
    /// The velocity `eps − x0` of rectified flow (Liu et al. 2023).
    Flow,
}

impl Prediction {
    /// All predictions, each with its name in diffusers' `prediction_type`.
    const NAMED: [(Self, &str); 4] =
        [(Self::Eps, "epsilon"), (Self::V, "v_prediction"), (Self::X0, "sample"), (Self::Flow, "flow_prediction")];

    /// Returns the name in diffusers' configs (`prediction_type`): `epsilon`, `v_prediction`, `sample` or `flow_prediction`.
    pub fn name(self) -> &'static str {
        Self::NAMED.iter().find(|(prediction, _)| *prediction == self).expect("each has a name").1
    }

    /// Returns the prediction with this [name](Self::name), if there is one.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::NAMED.iter().find(|(_, known)| *known == name).map(|(prediction, _)| *prediction)
    }

    /// Returns `(c_skip, c_out)`: at noise level `sigma > 0`, the denoised image is `c_skip·x + c_out·output`.
    pub fn coefficients(self, sigma: f64) -> (f64, f64) {
        match self {
            Self::Eps => (1.0, -sigma),
            Self::V => (1.0 / (1.0 + sigma * sigma), -sigma / (1.0 + sigma * sigma).sqrt()),
            Self::X0 => (0.0, 1.0),
            Self::Flow => (1.0 / (1.0 + sigma), -sigma / (1.0 + sigma)),
        }
    }
}

/// The factor `1/sqrt(1 + sigma²)` that turns a variance-exploding `x` into the network's variance-preserving input.
pub fn input_scale(sigma: f64) -> f64 {
    1.0 / (1.0 + sigma * sigma).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exact_prediction_recovers_the_image() {
        let (x0, eps) = (0.7, -1.3);
        for sigma in [0.03, 1.0, 14.6] {
            let x = x0 + sigma * eps;
            let alpha_bar: f64 = 1.0 / (1.0 + sigma * sigma);
            let v = alpha_bar.sqrt() * eps - (1.0 - alpha_bar).sqrt() * x0;
            let outputs =
                [(Prediction::Eps, eps), (Prediction::V, v), (Prediction::X0, x0), (Prediction::Flow, eps - x0)];
            for (prediction, output) in outputs {
                let (c_skip, c_out) = prediction.coefficients(sigma);
                assert!((c_skip * x + c_out * output - x0).abs() < 1e-12, "{prediction:?} at {sigma}");
            }
        }
    }
}
