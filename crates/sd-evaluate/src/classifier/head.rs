use sd_scenes::{Colour, Count, Kind, Object, Place, Scene, Side, Size, Sky, Time};

/// One of the classifier's heads: an attribute and its choices. Each of the three parts of an image has its own heads,
/// because a scene has at most one object in each; so two objects of one kind are no exception.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Head {
    Place,
    Time,
    Sky,
    /// The kind of the object there; choice 0 is none.
    Kind(Side),
    Colour(Side),
    Size(Side),
    Count(Side),
}

/// Every head, in the order of their logits.
pub(crate) const HEADS: [Head; 15] = {
    use Head::{Colour, Count, Kind, Place, Size, Sky, Time};
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

/// Number of logits of all heads together.
pub(crate) fn logit_count() -> usize {
    HEADS.iter().map(|head| head.choices()).sum()
}

impl Head {
    /// Number of choices.
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

    /// Returns the right choice; none if there is no object, or if its kind has no colours.
    pub fn choice(self, scene: &Scene) -> Option<usize> {
        let object_on = |side| scene.objects.iter().find(|object| object.side == side);
        match self {
            Self::Place => Some(scene.place as usize),
            Self::Time => Some(scene.time as usize),
            Self::Sky => Some(scene.sky as usize),
            Self::Kind(side) => Some(object_on(side).map_or(0, |object| 1 + object.kind as usize)),
            Self::Colour(side) => object_on(side)?.colour.map(|colour| colour as usize),
            Self::Size(side) => Some(object_on(side)?.size as usize),
            Self::Count(side) => Some(object_on(side)?.count as usize),
        }
    }
}

/// Returns the scene of some choices: its objects from left to right, possibly none.
pub(crate) fn scene(choice: impl Fn(Head) -> usize) -> Scene {
    let object = |&side: &Side| {
        let kind = Kind::ALL[choice(Head::Kind(side)).checked_sub(1)?];
        let colour = (!kind.colours().is_empty()).then(|| Colour::ALL[choice(Head::Colour(side))]);
        let (size, count) = (Size::ALL[choice(Head::Size(side))], Count::ALL[choice(Head::Count(side))]);
        Some(Object { kind, colour, size, side, count })
    };
    Scene {
        place: Place::ALL[choice(Head::Place)],
        time: Time::ALL[choice(Head::Time)],
        sky: Sky::ALL[choice(Head::Sky)],
        objects: Side::ALL.iter().filter_map(object).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_right_choices_describe_the_scene() {
        for seed in 0..300 {
            let mut known = Scene::random(seed);
            known.objects.sort_by_key(|object| object.side);
            assert_eq!(scene(|head| head.choice(&known).unwrap_or(0)), known);
        }
    }
}
