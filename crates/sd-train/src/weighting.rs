use burn::config::Config;
use sd_schedule::Prediction;

/// How much the loss at each timestep counts.
#[derive(Config, Debug, Copy, PartialEq)]
pub enum Weighting {
    /// The same for all (Ho et al. 2020, equation 14).
    Simple,
    /// The signal-to-noise ratio, for an error of the image, but at most `gamma` (Hang et al. 2023, section 3.4; they
    /// take 5).
    MinSnr {
        /// The largest ratio that counts.
        gamma: f64,
    },
}

impl Weighting {
    /// The factor of the squared error of a prediction, at a timestep that leaves `alpha_bar` of the image's variance.
    ///
    /// With `snr = alpha_bar/(1 − alpha_bar)`, a squared error of the image is `1/snr` of the squared error of the noise
    /// that causes it, and `1/(snr + 1)` of that of the velocity. So the weight is `min(snr, gamma)` for the image, over
    /// `snr` for the noise, and over `snr + 1` for the velocity.
    pub fn weight(self, prediction: Prediction, alpha_bar: f64) -> f64 {
        let Self::MinSnr { gamma } = self else { return 1.0 };
        let snr = alpha_bar / (1.0 - alpha_bar);
        let of_image = snr.min(gamma);
        match prediction {
            Prediction::Eps => of_image / snr,
            Prediction::V => of_image / (snr + 1.0),
            Prediction::X0 => of_image,
            other => of_image * other.coefficients(snr.sqrt().recip()).1.powi(2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Prediction; 3] = [Prediction::Eps, Prediction::V, Prediction::X0];

    #[test]
    fn simple_weights_are_all_one() {
        assert!(ALL.iter().all(|p| Weighting::Simple.weight(*p, 0.3) == 1.0));
    }

    #[test]
    fn min_snr_weights_have_their_closed_forms() {
        let weights = |alpha_bar| ALL.map(|p| Weighting::MinSnr { gamma: 5.0 }.weight(p, alpha_bar));
        // Ratio 9, above gamma, and ratio 1/4, below it.
        for (found, expected) in weights(0.9).iter().chain(&weights(0.2)).zip([5.0 / 9.0, 0.5, 5.0, 1.0, 0.2, 0.25]) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
    }

    /// An error of the image costs the same in each of the three predictions.
    #[test]
    fn min_snr_weighs_an_error_of_the_image_alike_in_every_prediction() {
        let (sigma, error): (f64, f64) = (0.7, 0.01);
        let alpha_bar = 1.0 / (1.0 + sigma * sigma);
        let cost = |prediction: Prediction| {
            let (_, c_out) = prediction.coefficients(sigma);
            Weighting::MinSnr { gamma: 1.5 }.weight(prediction, alpha_bar) * (error / c_out).powi(2)
        };
        for prediction in ALL {
            assert!((cost(prediction) / cost(Prediction::X0) - 1.0).abs() < 1e-12, "{prediction:?}");
        }
    }
}
