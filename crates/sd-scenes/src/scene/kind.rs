use super::attributes::Colour;
use super::named::named;
use super::setting::Place;

named! {
    /// The kind of an object.
    "kind" Kind {
        /// With a gabled roof, a door and two windows.
        House = "house",
        /// With a round crown, in the colours of the seasons.
        Tree = "tree",
        /// Three tiers of dark green.
        Pine = "pine",
        /// A palm tree.
        Palm = "palm",
        /// A saguaro with two arms.
        Cactus = "cactus",
        /// A sailing boat.
        Boat = "boat",
        /// With bands of its colour and white.
        Lighthouse = "lighthouse",
        /// A tower mill with four sails.
        Windmill = "windmill",
        /// A hot air balloon, in the sky of any place.
        Balloon = "balloon",
        /// Seen from the side.
        Car = "car",
        /// With a hat and a red scarf.
        Snowman = "snowman",
        /// An open tent.
        Tent = "tent",
    }
}

impl Kind {
    /// The colours of the kind; none if it always has the same.
    pub fn colours(self) -> &'static [Colour] {
        use Colour::{Blue, Green, Orange, Pink, Purple, Red, White, Yellow};
        match self {
            Self::Pine | Self::Palm | Self::Cactus | Self::Snowman => &[],
            Self::Tree => &[Green, Orange, Pink, Red, Yellow],
            Self::Lighthouse => &[Blue, Green, Orange, Purple, Red, White],
            Self::House | Self::Boat | Self::Windmill | Self::Balloon | Self::Car | Self::Tent => {
                &[Red, Orange, Yellow, Green, Blue, Purple, Pink, White]
            }
        }
    }

    /// Whether the kind can be in a place.
    pub fn fits(self, place: Place) -> bool {
        self.share(place) > 0
    }

    /// The share of this kind among the objects of a place, in twelfths. The shares make all kinds about equally frequent.
    pub(super) fn share(self, place: Place) -> u32 {
        use Kind::{Balloon, Boat, Cactus, Car, House, Lighthouse, Palm, Pine, Snowman, Tent, Tree, Windmill};
        let shares: &[(Kind, u32)] = match place {
            Place::Sea => &[(Lighthouse, 4), (Boat, 4), (House, 2), (Balloon, 1), (Palm, 1)],
            Place::Meadow => &[(Windmill, 5), (Tree, 3), (House, 2), (Balloon, 1), (Tent, 1)],
            Place::Desert => &[(Cactus, 5), (Palm, 3), (Car, 2), (Balloon, 1), (Tent, 1)],
            Place::Snow => &[(Snowman, 5), (Pine, 3), (House, 2), (Balloon, 1), (Tent, 1)],
            Place::Mountains => &[(Boat, 3), (Pine, 3), (Tent, 3), (House, 2), (Balloon, 1)],
            Place::City => &[(Car, 4), (Tree, 3), (House, 1), (Balloon, 2), (Palm, 2)],
        };
        shares.iter().find(|(kind, _)| *kind == self).map_or(0, |(_, share)| *share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_of_a_place_are_twelve_twelfths() {
        for &place in Place::ALL {
            assert_eq!(Kind::ALL.iter().map(|kind| kind.share(place)).sum::<u32>(), 12, "{place}");
        }
    }
}
