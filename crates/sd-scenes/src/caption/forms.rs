use super::place::Manner;
use super::{english, place, sky, thing, time};
use crate::Scene;
use crate::dice::Dice;

/// What stands before some captions.
pub(super) const LEADS: &[&str] = &["a picture of", "an illustration of", "a scene with"];

/// The words that join the others.
pub(super) const FRAMES: &[&str] = &["a", "an", "and", "there is", "there are", "on", "with"];

/// The forms of captions.
impl Scene {
    /// "red house, snow, night".
    pub(super) fn tags(&self, dice: &mut Dice) -> String {
        let told = self.told(dice);
        let mut tags: Vec<String> = self.objects[..told].iter().map(|object| thing::bare(object, dice)).collect();
        let side = dice.chance(0.3).then(|| dice.pick(thing::sides(self.objects[0].side)));
        if let (1, Some(side)) = (told, side) {
            tags[0] = format!("{} {side}", tags[0]);
        }
        let settings = [
            dice.chance(0.85).then(|| english::likely(dice, place::tags(self.place))),
            dice.chance(0.7).then(|| english::likely(dice, time::tags(self.time))),
            dice.chance(0.5).then(|| english::likely(dice, sky::tags(self.sky))),
        ];
        tags.extend(dice.shuffled(&settings).into_iter().flatten().map(str::to_owned));
        tags.join(", ")
    }

    /// "a red house on the left and two pines in the snow at night".
    pub(super) fn phrase(&self, dice: &mut Dice) -> String {
        let lead = dice.chance(0.15).then(|| *dice.pick(LEADS));
        let told = self.told(dice);
        let parts: Vec<String> = lead.map(str::to_owned).into_iter().chain([self.things(told, dice)]).collect();
        format!("{}{}", parts.join(" "), self.setting(told, dice))
    }

    /// "there are two pines in the snow".
    pub(super) fn existence(&self, dice: &mut Dice) -> String {
        let told = self.told(dice);
        let verb = if thing::number(self.objects[0].count).is_none() { "there is" } else { "there are" };
        format!("{verb} {}{}", self.things(told, dice), self.setting(told, dice))
    }

    /// "a red house stands on the left in the snow", of the main object alone.
    pub(super) fn action(&self, dice: &mut Dice) -> String {
        let main = &self.objects[0];
        let [one, several] = thing::verbs(main.kind);
        let verb = if thing::number(main.count).is_none() { one } else { several };
        let side = if dice.chance(0.4) { format!(" {}", dice.pick(thing::sides(main.side))) } else { String::new() };
        format!("{} {verb}{side}{}", thing::phrase(main, dice), self.setting(1, dice))
    }

    /// "a snowy field at night with a red house".
    pub(super) fn view(&self, dice: &mut Dice) -> String {
        let told = self.told(dice);
        let place = dice.pick(place::nouns(self.place));
        let time = if dice.chance(0.75) { format!(" {}", dice.pick(time::phrases(self.time))) } else { String::new() };
        format!("{place}{time} with {}", self.things(told, dice))
    }

    /// How many of the objects are told.
    fn told(&self, dice: &mut Dice) -> usize {
        if dice.chance(0.8) { self.objects.len() } else { 1 }
    }

    /// The first objects as a list, each perhaps with its side.
    fn things(&self, told: usize, dice: &mut Dice) -> String {
        let sides = dice.chance(if told > 1 { 0.6 } else { 0.45 });
        let parts: Vec<String> = self.objects[..told]
            .iter()
            .map(|object| {
                let phrase = thing::phrase(object, dice);
                if sides { format!("{phrase} {}", english::likely(dice, thing::sides(object.side))) } else { phrase }
            })
            .collect();
        english::list(&parts)
    }

    /// Place, time and sky as far as they are told, each after a space, at least one of them.
    fn setting(&self, told: usize, dice: &mut Dice) -> String {
        let manner = Manner::of(self.objects[..told].iter().map(|object| object.kind));
        let tells = [dice.chance(0.85), dice.chance(0.7), dice.chance(0.55)];
        let place =
            (tells[0] || tells == [false; 3]).then(|| english::likely(dice, place::phrases(self.place, manner)));
        let adjectives = sky::adjectives(self.sky, self.time);
        let mut rest = Vec::new();
        if tells[1] && tells[2] && !adjectives.is_empty() && dice.chance(0.4) {
            let day = format!("{} {}", dice.pick(adjectives), time::part(self.time));
            rest.push(format!("on {}", english::with_article(&day)));
        } else {
            rest.extend(tells[1].then(|| english::likely(dice, time::phrases(self.time)).to_owned()));
            rest.extend(tells[2].then(|| english::likely(dice, sky::phrases(self.sky, self.time)).to_owned()));
        }
        let rest = dice.shuffled(&rest);
        place.map(str::to_owned).into_iter().chain(rest).map(|part| format!(" {part}")).collect()
    }
}
