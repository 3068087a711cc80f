use std::ops::ControlFlow;

use sd_scenes::{Split, Told};

use crate::{Classifier, EvaluateError, Judgement};

/// Scenes that are drawn and read before `watch` is asked again.
const AT_ONCE: usize = 50;

/// How well a classifier reads renders of held-out scenes, with all that can be told of them: what it says of images
/// that are as they should be, and so the most that any model can reach.
///
/// # Errors
///
/// [`EvaluateError::Cancelled`] where `watch`, which is told how many were read, says so.
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
        let samples: Vec<_> = indices.map(|i| Split::HeldOut.sample(i, seed, classifier.config().pixels)).collect();
        let images: Vec<&[u8]> = samples.iter().map(|sample| sample.image.rgb.as_slice()).collect();
        for (sample, reading) in samples.iter().zip(classifier.read(&images)) {
            judgement.judge(&Told::all(&sample.scene), &reading.scene);
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
    fn it_is_stopped_between_scenes() {
        let config = ClassifierConfig { pixels: 16, channels: vec![8], features: 8 };
        let mut told = Vec::new();
        let stopped = ceiling(&config.init(&Device::flex()), 120, 0, &mut |read| {
            told.push(read);
            if read < 100 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        assert!(matches!(stopped, Err(EvaluateError::Cancelled)));
        assert_eq!(told, [0, 50, 100]);
    }
}
