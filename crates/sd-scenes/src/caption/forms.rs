use super::caption_facts::CaptionFacts;
use super::place::Manner;
use super::{english, place, sky, thing, time};
use crate::rng::Rng;
use crate::{Object, Scene};

/// Openings of some captions.
pub(super) const LEADS: &[&str] = &["a picture of", "an illustration of", "a scene with"];

/// The words that join the parts of captions.
pub(super) const FRAMES: &[&str] = &["a", "an", "and", "there is", "there are", "on", "with"];

/// The forms of captions. Each records what it says in `facts`.
impl Scene {
    /// "red house, snow, night".
    pub(super) fn tags(&self, rng: &mut Rng, facts: &mut CaptionFacts) -> String {
        let named = self.named(rng);
        let mut tags: Vec<String> = named.iter().map(|object| thing::bare(object, rng, facts)).collect();
        let side = rng.chance(0.3).then(|| rng.pick(thing::sides(self.objects[0].side)));
        if let ([object], Some(side)) = (named, side) {
            facts.objects[0].side = Some(object.side);
            tags[0] = format!("{} {side}", tags[0]);
        }
        let settings = [
            rng.chance(0.85).then(|| english::likely(rng, place::tags(self.place))),
            rng.chance(0.7).then(|| english::likely(rng, time::tags(self.time))),
            rng.chance(0.5).then(|| english::likely(rng, sky::tags(self.sky))),
        ];
        facts.place = settings[0].map(|_| self.place);
        facts.time = settings[1].map(|_| self.time);
        facts.sky = settings[2].map(|_| self.sky);
        tags.extend(rng.shuffled(&settings).into_iter().flatten().map(str::to_owned));
        tags.join(", ")
    }

    /// "a red house on the left and two pines in the snow at night".
    pub(super) fn phrase(&self, rng: &mut Rng, facts: &mut CaptionFacts) -> String {
        let lead = rng.chance(0.15).then(|| *rng.pick(LEADS));
        let named = self.named(rng);
        let parts: Vec<String> = lead.map(str::to_owned).into_iter().chain([things(named, rng, facts)]).collect();
        format!("{}{}", parts.join(" "), self.setting(named, rng, facts))
    }

    /// "there are two pines in the snow".
    pub(super) fn existence(&self, rng: &mut Rng, facts: &mut CaptionFacts) -> String {
        let named = self.named(rng);
        let verb = if thing::number(self.objects[0].count).is_none() { "there is" } else { "there are" };
        format!("{verb} {}{}", things(named, rng, facts), self.setting(named, rng, facts))
    }

    /// "a red house stands on the left in the snow", of the main object alone.
    pub(super) fn action(&self, rng: &mut Rng, facts: &mut CaptionFacts) -> String {
        let main = &self.objects[0];
        let [one, several] = thing::verbs(main.kind);
        let verb = if thing::number(main.count).is_none() { one } else { several };
        let side = rng.chance(0.4).then(|| format!(" {}", rng.pick(thing::sides(main.side))));
        let object = thing::phrase(main, rng, facts);
        facts.objects[0].side = side.as_ref().map(|_| main.side);
        let setting = self.setting(&self.objects[..1], rng, facts);
        format!("{object} {verb}{}{setting}", side.unwrap_or_default())
    }

    /// "a snowy field at night with a red house".
    pub(super) fn view(&self, rng: &mut Rng, facts: &mut CaptionFacts) -> String {
        let named = self.named(rng);
        let place = rng.pick(place::nouns(self.place));
        let time = rng.chance(0.75).then(|| format!(" {}", rng.pick(time::phrases(self.time))));
        facts.place = Some(self.place);
        facts.time = time.as_ref().map(|_| self.time);
        format!("{place}{} with {}", time.unwrap_or_default(), things(named, rng, facts))
    }

    /// Picks the objects to name: all, or the main one.
    fn named(&self, rng: &mut Rng) -> &[Object] {
        if rng.chance(0.8) { &self.objects } else { &self.objects[..1] }
    }

    /// Words for at least one of place, time and sky, each after a space.
    fn setting(&self, named: &[Object], rng: &mut Rng, facts: &mut CaptionFacts) -> String {
        let manner = Manner::from_kinds(named.iter().map(|object| object.kind));
        let says = [rng.chance(0.85), rng.chance(0.7), rng.chance(0.55)];
        let place = (says[0] || says == [false; 3]).then(|| english::likely(rng, place::phrases(self.place, manner)));
        facts.place = place.map(|_| self.place);
        facts.time = says[1].then_some(self.time);
        facts.sky = says[2].then_some(self.sky);
        let adjectives = sky::adjectives(self.sky, self.time);
        let mut rest = Vec::new();
        if says[1] && says[2] && !adjectives.is_empty() && rng.chance(0.4) {
            let day = format!("{} {}", rng.pick(adjectives), time::part(self.time));
            rest.push(format!("on {}", english::with_article(&day)));
        } else {
            rest.extend(says[1].then(|| english::likely(rng, time::phrases(self.time)).to_owned()));
            rest.extend(says[2].then(|| english::likely(rng, sky::phrases(self.sky, self.time)).to_owned()));
        }
        let rest = rng.shuffled(&rest);
        place.map(str::to_owned).into_iter().chain(rest).map(|part| format!(" {part}")).collect()
    }
}

/// A list of objects, possibly with their sides.
fn things(named: &[Object], rng: &mut Rng, facts: &mut CaptionFacts) -> String {
    let sides = rng.chance(if named.len() > 1 { 0.6 } else { 0.45 });
    let mut parts = Vec::new();
    for (index, object) in named.iter().enumerate() {
        let mut part = thing::phrase(object, rng, facts);
        if sides {
            facts.objects[index].side = Some(object.side);
            part = format!("{part} {}", english::likely(rng, thing::sides(object.side)));
        }
        parts.push(part);
    }
    english::list(&parts)
}
