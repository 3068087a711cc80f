use sd_scenes::{Colour, Count, Kind, Object, Place, Scene, Side, Size, Sky, Time};

/// What is asked about every image. The three parts of an image are asked about one by one, since a scene has at most
/// one object in each: so a scene with two objects of one kind is no exception.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Question {
    Place,
    Time,
    Sky,
    /// The kind of the object there; answer 0 is none.
    Kind(Side),
    Colour(Side),
    Size(Side),
    Count(Side),
}

/// Every question, in the order in which their answers lie behind one another.
pub(crate) const QUESTIONS: [Question; 15] = {
    use Question::{Colour, Count, Kind, Place, Size, Sky, Time};
    use Side::{Left, Middle, Right};
    [
        Place,
        Time,
        Sky,
        Kind(Left),
        Kind(Middle),
        Kind(Right),
        Colour(Left),
        Colour(Middle),
        Colour(Right),
        Size(Left),
        Size(Middle),
        Size(Right),
        Count(Left),
        Count(Middle),
        Count(Right),
    ]
};

/// How many answers all questions have together.
pub(crate) fn answers() -> usize {
    QUESTIONS.iter().map(|question| question.choices()).sum()
}

impl Question {
    /// How many answers it has.
    pub fn choices(self) -> usize {
        match self {
            Self::Place => Place::ALL.len(),
            Self::Time => Time::ALL.len(),
            Self::Sky => Sky::ALL.len(),
            Self::Kind(_) => 1 + Kind::ALL.len(),
            Self::Colour(_) => Colour::ALL.len(),
            Self::Size(_) => Size::ALL.len(),
            Self::Count(_) => Count::ALL.len(),
        }
    }

    /// The right answer; none where there is no object, or none that comes in colours.
    pub fn answer(self, scene: &Scene) -> Option<usize> {
        let on = |side| scene.objects.iter().find(|object| object.side == side);
        match self {
            Self::Place => Some(scene.place as usize),
            Self::Time => Some(scene.time as usize),
            Self::Sky => Some(scene.sky as usize),
            Self::Kind(side) => Some(on(side).map_or(0, |object| 1 + object.kind as usize)),
            Self::Colour(side) => on(side)?.colour.map(|colour| colour as usize),
            Self::Size(side) => Some(on(side)?.size as usize),
            Self::Count(side) => Some(on(side)?.count as usize),
        }
    }
}

/// The scene that answers describe: its objects from left to right, and maybe none of them.
pub(crate) fn scene(answer: impl Fn(Question) -> usize) -> Scene {
    let object = |&side: &Side| {
        let kind = Kind::ALL[answer(Question::Kind(side)).checked_sub(1)?];
        let colour = (!kind.colours().is_empty()).then(|| Colour::ALL[answer(Question::Colour(side))]);
        let (size, count) = (Size::ALL[answer(Question::Size(side))], Count::ALL[answer(Question::Count(side))]);
        Some(Object { kind, colour, size, side, count })
    };
    Scene {
        place: Place::ALL[answer(Question::Place)],
        time: Time::ALL[answer(Question::Time)],
        sky: Sky::ALL[answer(Question::Sky)],
        objects: Side::ALL.iter().filter_map(object).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_right_answers_describe_the_scene() {
        for seed in 0..300 {
            let mut known = Scene::random(seed);
            known.objects.sort_by_key(|object| object.side);
            assert_eq!(scene(|question| question.answer(&known).unwrap_or(0)), known);
        }
    }
}
