//! From a scene to words for it.

mod english;
mod forms;
mod place;
mod sky;
mod thing;
mod time;
mod told;
mod vocabulary;

pub use told::{Told, ToldObject};
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
        self.caption_and_told(seed).0
    }

    /// The [`caption`](Self::caption) of a seed, and what it tells.
    pub fn caption_and_told(&self, seed: u64) -> (String, Told) {
        let mut dice = Dice::new(seed, "caption");
        loop {
            let mut told = Told::default();
            let caption = self.wording(&mut dice, &mut told);
            if (3..=30).contains(&caption.split(' ').count()) {
                return (caption, told);
            }
        }
    }

    /// One try, which may be too short or too long.
    fn wording(&self, dice: &mut Dice, told: &mut Told) -> String {
        match dice.below(20) {
            0..4 => self.tags(dice, told),
            4..12 => self.phrase(dice, told),
            12..15 => english::sentence(&self.phrase(dice, told)),
            15..17 => english::sentence(&self.existence(dice, told)),
            17 => english::sentence(&self.action(dice, told)),
            18 => self.action(dice, told),
            _ => self.view(dice, told),
        }
    }
}
