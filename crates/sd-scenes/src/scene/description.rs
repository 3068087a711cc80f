use super::object::Object;
use super::setting::{Place, Sky, Time};

/// The contents of an image, which a caption can state, as plain data.
///
/// ```
/// use sd_scenes::{Colour, Count, Kind, Object, Place, Scene, Side, Size, Sky, Time};
///
/// let boat = Object {
///     kind: Kind::Boat,
///     colour: Some(Colour::Red),
///     size: Size::Big,
///     side: Side::Left,
///     count: Count::One,
/// };
/// let scene = Scene { place: Place::Sea, time: Time::Sunset, sky: Sky::Clear, objects: vec![boat] };
///
/// assert_eq!(scene.check(), Ok(()));
/// assert_eq!(scene.draw(1, 64).rgb.len(), 64 * 64 * 3);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Scene {
    /// The place.
    pub place: Place,
    /// The time of day.
    pub time: Time,
    /// The sky.
    pub sky: Sky,
    /// One to three objects, each in its own part of the image; the first is the main one.
    pub objects: Vec<Object>,
}
