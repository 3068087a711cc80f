use burn::prelude::*;
use sd_image::planes;
use sd_scenes::Scene;

use super::head::{HEADS, logit_count, scene};
use super::network::Classifier;

/// Images that are read at once.
const BATCH: usize = 50;

/// A classifier's reading of one image.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The scene, with its objects from left to right; there may be none.
    pub scene: Scene,
    /// The penultimate activations.
    pub features: Vec<f32>,
}

impl Classifier {
    /// Reads images back into scenes.
    ///
    /// Each image has the classifier's size: red, green and blue of each pixel in sRGB, row by row.
    ///
    /// # Panics
    ///
    /// Panics if an image has another size.
    pub fn read(&self, images: &[&[u8]]) -> Vec<Reading> {
        images.chunks(BATCH).flat_map(|images| self.read_batch(images)).collect()
    }

    fn read_batch(&self, images: &[&[u8]]) -> Vec<Reading> {
        let pixels = self.config().pixels;
        let expected = 3 * pixels * pixels;
        assert!(images.iter().all(|rgb| rgb.len() == expected), "images of another size than {pixels}×{pixels}");
        let values = images.iter().flat_map(|rgb| planes(rgb)).collect();
        let images = tensor(values, [images.len(), 3, pixels, pixels], &self.devices()[0]);
        let features = self.features(images);
        let logits = host(self.logits(features.clone()));
        let features = host(features);
        let rows = logits.chunks(logit_count()).zip(features.chunks(self.config().features));
        rows.map(|(logits, features)| Reading { scene: likeliest_scene(logits), features: features.to_vec() }).collect()
    }
}

/// Returns the scene of the likeliest choices.
fn likeliest_scene(logits: &[f32]) -> Scene {
    let mut rest = logits;
    let chosen = HEADS.map(|head| {
        let (logits, others) = rest.split_at(head.choices());
        rest = others;
        (0..logits.len()).max_by(|a, b| logits[*a].total_cmp(&logits[*b])).expect("a head has choices")
    });
    scene(|wanted| chosen[HEADS.iter().position(|head| *head == wanted).expect("every head is in the list")])
}

pub(crate) fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn host(x: Tensor<2>) -> Vec<f32> {
    x.into_data().iter::<f32>().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ClassifierConfig;
    use sd_scenes::{Colour, Place, Side, Sky};

    #[test]
    fn the_likeliest_choices_are_the_scene() {
        let mut logits = vec![0.0; logit_count()];
        // The last place, the first time, the third sky; a pink house, the first of kinds, in the middle; nothing else.
        for at in [5, 6, 12, 16, 16 + 13 + 1, 16 + 26, 16 + 39 + 8 + 6] {
            logits[at] = 1.0;
        }
        let scene = likeliest_scene(&logits);
        assert_eq!((scene.place, scene.sky), (Place::City, Sky::Rain));
        assert_eq!(
            scene.objects.iter().map(|o| (o.side, o.colour)).collect::<Vec<_>>(),
            [(Side::Middle, Some(Colour::Pink))]
        );
    }

    #[test]
    fn an_image_is_read_the_same_alone_and_among_others() {
        let classifier = sd_train::initialise(ClassifierConfig::default().init(&Device::flex()), 1);
        let images: Vec<Vec<u8>> = (0..3).map(|seed| Scene::random(seed).draw(seed, 64).rgb).collect();
        let images: Vec<&[u8]> = images.iter().map(Vec::as_slice).collect();
        let together = classifier.read(&images);
        for (i, reading) in together.iter().enumerate() {
            let alone = &classifier.read(&images[i..=i])[0];
            let furthest =
                alone.features.iter().zip(&reading.features).fold(0.0_f32, |far, (a, b)| far.max((a - b).abs()));
            assert!(furthest < 1e-5, "{furthest}");
        }
    }
}
