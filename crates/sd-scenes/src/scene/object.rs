use super::Kind;
use super::named::named;

/// One kind of thing in a scene, one to three of the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Object {
    /// What it is.
    pub kind: Kind,
    /// Its colour, for the kinds that come in [several](Kind::colours).
    pub colour: Option<Colour>,
    /// How large it is.
    pub size: Size,
    /// Which part of the image it is in.
    pub side: Side,
    /// How many there are.
    pub count: Count,
}

impl Object {
    /// Whether there is room for so many where they are, alone in the image or beside others.
    pub(super) fn fits(&self, alone: bool) -> bool {
        match (self.size, self.count) {
            (_, Count::One) | (Size::Small, Count::Two) => true,
            (Size::Small, Count::Three) | (Size::Big, Count::Two) => alone,
            (Size::Big, Count::Three) => alone && self.side == Side::Middle,
        }
    }
}

named! {
    /// The colour of an object.
    "colour" Colour {
        /// Red.
        Red = "red",
        /// Orange.
        Orange = "orange",
        /// Yellow.
        Yellow = "yellow",
        /// Green.
        Green = "green",
        /// Blue.
        Blue = "blue",
        /// Purple.
        Purple = "purple",
        /// Pink.
        Pink = "pink",
        /// White.
        White = "white",
    }
}

named! {
    /// The size of an object: a big one is twice as large as a small one, or nearly so where it shares its room.
    "size" Size {
        /// About a sixth of the image wide.
        Small = "small",
        /// About a third of the image wide.
        Big = "big",
    }
}

named! {
    /// The part of the image that an object is in.
    "side" Side {
        /// The left third.
        Left = "left",
        /// The middle.
        Middle = "middle",
        /// The right third.
        Right = "right",
    }
}

named! {
    /// How many of the same there are.
    "count" Count {
        /// One.
        One = "one",
        /// Two.
        Two = "two",
        /// Three.
        Three = "three",
    }
}
