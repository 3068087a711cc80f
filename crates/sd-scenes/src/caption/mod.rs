//! From a scene to words for it.

mod caption_facts;
mod english;
mod forms;
mod place;
mod sky;
mod thing;
mod time;
mod vocabulary;

pub use caption_facts::{CaptionFacts, ObjectFacts};
pub use vocabulary::words;

use crate::Scene;
use crate::rng::Rng;

impl Scene {
    /// Words for the scene, from three of them to thirty: tags, a phrase or a sentence.
    ///
    /// The seed chooses the wording and what is told. The main object always is, the place mostly, colours mostly,
    /// sizes and sides in half of the captions; more than one of the same are always counted. What is not told may
    /// be any way, but what is told is so. All words are among [`words`].
    pub fn caption(&self, seed: u64) -> String {
        self.caption_and_facts(seed).0
    }

    /// The [`caption`](Self::caption) of a seed, and what it tells.
    pub fn caption_and_facts(&self, seed: u64) -> (String, CaptionFacts) {
        let mut rng = Rng::new(seed, "caption");
        loop {
            let mut facts = CaptionFacts::default();
            let caption = self.wording(&mut rng, &mut facts);
            if (3..=30).contains(&caption.split(' ').count()) {
                return (caption, facts);
            }
        }
    }

    /// One try, which may be too short or too long.
    fn wording(&self, rng: &mut Rng, facts: &mut CaptionFacts) -> String {
        match rng.below(20) {
            0..4 => self.tags(rng, facts),
            4..12 => self.phrase(rng, facts),
            12..15 => english::sentence(&self.phrase(rng, facts)),
            15..17 => english::sentence(&self.existence(rng, facts)),
            17 => english::sentence(&self.action(rng, facts)),
            18 => self.action(rng, facts),
            _ => self.view(rng, facts),
        }
    }
}
