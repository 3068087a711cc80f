use crate::rng::Rng;
use crate::{CaptionFacts, Image, Scene, Style};

/// An image to train on or to test with, its scene and its caption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The scene in the image.
    pub scene: Scene,
    /// The image.
    pub image: Image,
    /// Its caption.
    pub caption: String,
    /// The facts in the caption.
    pub facts: CaptionFacts,
}

impl Sample {
    /// Returns the sample with its painted image in another style.
    #[must_use]
    pub fn in_style(self, style: Style) -> Self {
        Self { image: style.apply(self.image), ..self }
    }
}

/// The two sets of scenes, which share none: about one in sixteen is held out, by a hash of all its attributes.
///
/// Each value of an attribute is in both sets, so a held-out scene is a new combination of known values. Its caption, which
/// states only some attributes, may also occur in training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// Scenes to train on.
    Train,
    /// Scenes to test with.
    HeldOut,
}

impl Split {
    /// Returns the set of a scene, whatever the order of its objects.
    pub fn from_scene(scene: &Scene) -> Self {
        let mut objects: Vec<[u8; 5]> = scene
            .objects
            .iter()
            .map(|object| {
                let colour = object.colour.map_or(u8::MAX, |colour| colour as u8);
                [object.kind as u8, colour, object.size as u8, object.side as u8, object.count as u8]
            })
            .collect();
        objects.sort_unstable();
        let setting = [scene.place as u8, scene.time as u8, scene.sky as u8];
        if fnv(setting.iter().chain(objects.as_flattened())) >> 28 == 0 { Self::HeldOut } else { Self::Train }
    }

    /// Draws the sample of an index, with an image `pixels` wide and high.
    ///
    /// It depends only on the arguments, so samples can be drawn in any order and by many threads at once.
    ///
    /// # Panics
    ///
    /// Panics if `pixels` is 0.
    pub fn sample(self, index: u64, seed: u64, pixels: usize) -> Sample {
        let topic = match self {
            Self::Train => "train",
            Self::HeldOut => "held out",
        };
        let mut rng = Rng::nth(seed, topic, index);
        let scene = loop {
            let scene = Scene::random(rng.bits());
            if Self::from_scene(&scene) == self {
                break scene;
            }
        };
        let image = scene.draw(rng.bits(), pixels);
        let (caption, facts) = scene.caption_and_facts(rng.bits());
        Sample { scene, image, caption, facts }
    }
}

/// Returns the 32-bit FNV-1a hash of bytes. Its bits are mixed once more, because only the highest are used.
fn fnv<'a>(bytes: impl Iterator<Item = &'a u8>) -> u32 {
    let hash = bytes.fold(0x811C_9DC5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
    (hash ^ (hash >> 15)).wrapping_mul(0x85EB_CA6B)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_scene_is_in_both_sets_and_one_of_sixteen_is_held_out() {
        let held_out = (0..10_000).filter(|seed| Split::from_scene(&Scene::random(*seed)) == Split::HeldOut).count();
        assert!((540..710).contains(&held_out), "{held_out} of 10000");
    }

    #[test]
    fn the_order_of_objects_does_not_change_the_set() {
        for seed in 0..500 {
            let scene = Scene::random(seed);
            let mut turned = scene.clone();
            turned.objects.reverse();
            assert_eq!(Split::from_scene(&scene), Split::from_scene(&turned));
        }
    }

    #[test]
    fn samples_of_an_index_belong_to_their_set_and_differ_between_the_sets() {
        for index in 0..100 {
            let [train, held_out] = [Split::Train, Split::HeldOut].map(|split| (split, split.sample(index, 3, 16)));
            for (split, sample) in [&train, &held_out] {
                assert_eq!(Split::from_scene(&sample.scene), *split);
            }
            assert_ne!(train.1.image, held_out.1.image);
            assert_ne!(train.1.caption, held_out.1.caption, "at index {index}");
        }
    }
}
