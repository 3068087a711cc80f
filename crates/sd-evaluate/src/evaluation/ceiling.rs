use std::ops::ControlFlow;

use sd_scenes::{CaptionFacts, Split};

use crate::{Classifier, ClassifierConfig, EvaluateError, Judgement};

/// Scenes that are drawn and read between two calls of `watch`.
const AT_ONCE: usize = 50;

/// Measures how well a classifier reads renders of held-out scenes, in all their attributes. These images are right, so no
/// model can reach a higher score.
///
/// # Errors
///
/// [`EvaluateError::Cancelled`] if `watch`, which receives the number of scenes read, breaks.
pub fn ceiling(
    classifier: &Classifier,
    scenes: u64,
    seed: u64,
    watch: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<Judgement, EvaluateError> {
    let mut judgement = Judgement::default();
    for first in (0..scenes).step_by(AT_ONCE) {
        if watch(first).is_break() {
            return Err(EvaluateError::Cancelled);
        }
        let indices = first..scenes.min(first + AT_ONCE as u64);
        let ClassifierConfig { pixels, style, .. } = *classifier.config();
        let samples: Vec<_> = indices.map(|i| Split::HeldOut.sample(i, seed, pixels).in_style(style)).collect();
        let images: Vec<&[u8]> = samples.iter().map(|sample| sample.image.rgb.as_slice()).collect();
        for (sample, reading) in samples.iter().zip(classifier.read(&images)) {
            judgement.judge(&CaptionFacts::all(&sample.scene), &reading.scene);
        }
    }
    Ok(judgement)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::ClassifierConfig;

    #[test]
    fn it_can_be_stopped_between_scenes() {
        let config = ClassifierConfig { pixels: 16, channels: vec![8], features: 8, style: sd_scenes::Style::Paint };
        let mut reported = Vec::new();
        let stopped = ceiling(&config.init(&Device::flex()), 120, 0, &mut |read| {
            reported.push(read);
            if read < 100 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        assert!(matches!(stopped, Err(EvaluateError::Cancelled)));
        assert_eq!(reported, [0, 50, 100]);
    }
}
