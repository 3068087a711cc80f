//! From a scene to words for it.

mod english;
mod forms;
mod place;
mod sky;
mod thing;
mod time;
mod vocabulary;

pub use vocabulary::words;

use crate::Scene;
use crate::dice::Dice;

impl Scene {
    /// Words for the scene, from three of them to thirty: tags, a phrase or a sentence.
    ///
    /// The seed chooses the wording and what is told. The main object always is, the place mostly, colours mostly,
    /// sizes and sides in half of the captions; more than one of the same are always counted. What is not told may
    /// be any way, but what is told is so. All words are among [`words`].
    pub fn caption(&self, seed: u64) -> String {
        let mut dice = Dice::new(seed, "caption");
        loop {
            let caption = self.wording(&mut dice);
            if (3..=30).contains(&caption.split(' ').count()) {
                return caption;
            }
        }
    }

    /// One try, which may be too short or too long.
    fn wording(&self, dice: &mut Dice) -> String {
        match dice.below(20) {
            0..4 => self.tags(dice),
            4..12 => self.phrase(dice),
            12..15 => english::sentence(&self.phrase(dice)),
            15..17 => english::sentence(&self.existence(dice)),
            17 => english::sentence(&self.action(dice)),
            18 => self.action(dice),
            _ => self.view(dice),
        }
    }
}
