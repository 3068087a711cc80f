use sd_scenes::{Split, Told};

use crate::{Classifier, Judgement};

/// How well a classifier reads renders of held-out scenes, with all that can be told of them: what it says of pictures
/// that are as they should be, and so the most that any model can reach.
pub fn ceiling(classifier: &Classifier, scenes: u64, seed: u64) -> Judgement {
    let samples: Vec<_> = (0..scenes).map(|i| Split::HeldOut.sample(i, seed, classifier.config().pixels)).collect();
    let pictures: Vec<&[u8]> = samples.iter().map(|sample| sample.picture.rgb.as_slice()).collect();
    let mut judgement = Judgement::default();
    for (sample, reading) in samples.iter().zip(classifier.read(&pictures)) {
        judgement.judge(&Told::all(&sample.scene), &reading.scene);
    }
    judgement
}
