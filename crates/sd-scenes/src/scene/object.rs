use super::attributes::{Colour, Count, Side, Size};
use super::kind::Kind;

/// One to three of the same thing in a scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Object {
    /// Its kind.
    pub kind: Kind,
    /// Its colour, for kinds with [several](Kind::colours).
    pub colour: Option<Colour>,
    /// How large it is.
    pub size: Size,
    /// Which part of the image it is in.
    pub side: Side,
    /// How many there are.
    pub count: Count,
}

impl Object {
    /// Whether there is room for so many in their part of the image, alone or beside others.
    pub(super) fn fits(&self, alone: bool) -> bool {
        match (self.size, self.count) {
            (_, Count::One) | (Size::Small, Count::Two) => true,
            (Size::Small, Count::Three) | (Size::Big, Count::Two) => alone,
            (Size::Big, Count::Three) => alone && self.side == Side::Middle,
        }
    }
}
