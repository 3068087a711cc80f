use super::place::Manner;
use super::told::Told;
use super::{english, place, sky, thing, time};
use crate::dice::Dice;
use crate::{Object, Scene};

/// What stands before some captions.
pub(super) const LEADS: &[&str] = &["a picture of", "an illustration of", "a scene with"];

/// The words that join the others.
pub(super) const FRAMES: &[&str] = &["a", "an", "and", "there is", "there are", "on", "with"];

/// The forms of captions, each of which adds to `told` what it tells.
impl Scene {
    /// "red house, snow, night".
    pub(super) fn tags(&self, dice: &mut Dice, told: &mut Told) -> String {
        let named = self.named(dice);
        let mut tags: Vec<String> = named.iter().map(|object| thing::bare(object, dice, told)).collect();
        let side = dice.chance(0.3).then(|| dice.pick(thing::sides(self.objects[0].side)));
        if let ([object], Some(side)) = (named, side) {
            told.objects[0].side = Some(object.side);
            tags[0] = format!("{} {side}", tags[0]);
        }
        let settings = [
            dice.chance(0.85).then(|| english::likely(dice, place::tags(self.place))),
            dice.chance(0.7).then(|| english::likely(dice, time::tags(self.time))),
            dice.chance(0.5).then(|| english::likely(dice, sky::tags(self.sky))),
        ];
        told.place = settings[0].map(|_| self.place);
        told.time = settings[1].map(|_| self.time);
        told.sky = settings[2].map(|_| self.sky);
        tags.extend(dice.shuffled(&settings).into_iter().flatten().map(str::to_owned));
        tags.join(", ")
    }

    /// "a red house on the left and two pines in the snow at night".
    pub(super) fn phrase(&self, dice: &mut Dice, told: &mut Told) -> String {
        let lead = dice.chance(0.15).then(|| *dice.pick(LEADS));
        let named = self.named(dice);
        let parts: Vec<String> = lead.map(str::to_owned).into_iter().chain([things(named, dice, told)]).collect();
        format!("{}{}", parts.join(" "), self.setting(named, dice, told))
    }

    /// "there are two pines in the snow".
    pub(super) fn existence(&self, dice: &mut Dice, told: &mut Told) -> String {
        let named = self.named(dice);
        let verb = if thing::number(self.objects[0].count).is_none() { "there is" } else { "there are" };
        format!("{verb} {}{}", things(named, dice, told), self.setting(named, dice, told))
    }

    /// "a red house stands on the left in the snow", of the main object alone.
    pub(super) fn action(&self, dice: &mut Dice, told: &mut Told) -> String {
        let main = &self.objects[0];
        let [one, several] = thing::verbs(main.kind);
        let verb = if thing::number(main.count).is_none() { one } else { several };
        let side = dice.chance(0.4).then(|| format!(" {}", dice.pick(thing::sides(main.side))));
        let object = thing::phrase(main, dice, told);
        told.objects[0].side = side.as_ref().map(|_| main.side);
        let setting = self.setting(&self.objects[..1], dice, told);
        format!("{object} {verb}{}{setting}", side.unwrap_or_default())
    }

    /// "a snowy field at night with a red house".
    pub(super) fn view(&self, dice: &mut Dice, told: &mut Told) -> String {
        let named = self.named(dice);
        let place = dice.pick(place::nouns(self.place));
        let time = dice.chance(0.75).then(|| format!(" {}", dice.pick(time::phrases(self.time))));
        told.place = Some(self.place);
        told.time = time.as_ref().map(|_| self.time);
        format!("{place}{} with {}", time.unwrap_or_default(), things(named, dice, told))
    }

    /// The objects that are named: all, or the main one.
    fn named(&self, dice: &mut Dice) -> &[Object] {
        if dice.chance(0.8) { &self.objects } else { &self.objects[..1] }
    }

    /// Place, time and sky as far as they are told, each after a space, at least one of them.
    fn setting(&self, named: &[Object], dice: &mut Dice, told: &mut Told) -> String {
        let manner = Manner::of(named.iter().map(|object| object.kind));
        let tells = [dice.chance(0.85), dice.chance(0.7), dice.chance(0.55)];
        let place =
            (tells[0] || tells == [false; 3]).then(|| english::likely(dice, place::phrases(self.place, manner)));
        told.place = place.map(|_| self.place);
        told.time = tells[1].then_some(self.time);
        told.sky = tells[2].then_some(self.sky);
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

/// Objects as a list, each perhaps with its side.
fn things(named: &[Object], dice: &mut Dice, told: &mut Told) -> String {
    let sides = dice.chance(if named.len() > 1 { 0.6 } else { 0.45 });
    let mut parts = Vec::new();
    for (index, object) in named.iter().enumerate() {
        let mut part = thing::phrase(object, dice, told);
        if sides {
            told.objects[index].side = Some(object.side);
            part = format!("{part} {}", english::likely(dice, thing::sides(object.side)));
        }
        parts.push(part);
    }
    english::list(&parts)
}
