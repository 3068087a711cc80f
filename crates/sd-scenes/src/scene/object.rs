use super::attributes::{Colour, Count, Side, Size};
use super::kind::Kind;

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
