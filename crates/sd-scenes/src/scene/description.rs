use super::object::Object;
use super::setting::{Place, Sky, Time};

/// What an image shows and a caption can tell, as plain data.
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
    /// Where.
    pub place: Place,
    /// When.
    pub time: Time,
    /// Under which sky.
    pub sky: Sky,
    /// One to three objects, each in a part of the image of its own; the first is the main one.
    pub objects: Vec<Object>,
}
