//! From a scene to its caption.

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
    /// Describes the scene in three to thirty words: tags, a phrase or a sentence.
    ///
    /// The seed chooses the wording and the attributes. The main object is always named, the place and colours mostly,
    /// sizes and sides in half of the captions; two or three of the same are always counted. A caption leaves things out,
    /// but all that it says is true. All its words are among [`words`].
    pub fn caption(&self, seed: u64) -> String {
        self.caption_and_facts(seed).0
    }

    /// Returns the [`caption`](Self::caption) of a seed, and the facts in it.
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

    /// Makes one attempt, which may be too short or too long.
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
