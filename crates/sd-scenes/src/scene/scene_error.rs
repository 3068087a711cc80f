use thiserror::Error;

use super::{Colour, Kind, Place, Scene, Side, Sky, Time};

/// Why a scene cannot be drawn.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SceneError {
    /// No object or more than three.
    #[error("a scene has one to three objects, not {0}")]
    Number(usize),
    /// A sky that does not fit the place or the time.
    #[error("no {sky} in the {place} scene at the time {time}")]
    Sky {
        /// The sky.
        sky: Sky,
        /// The place.
        place: Place,
        /// The time.
        time: Time,
    },
    /// An object that does not fit the place.
    #[error("no {kind} in the {place} scene")]
    Kind {
        /// The object's kind.
        kind: Kind,
        /// The place.
        place: Place,
    },
    /// A colour that the kind does not have, or no colour for a kind that needs one.
    #[error("no {kind} of the colour {}", colour.map_or("none", Colour::name))]
    Colour {
        /// The object's kind.
        kind: Kind,
        /// Its colour.
        colour: Option<Colour>,
    },
    /// Two objects in one part of the image.
    #[error("more than one object on the side {0}")]
    Side(Side),
    /// Too many or too large objects for their part of the image.
    #[error("no room for so many {0}s")]
    Room(Kind),
}

impl Scene {
    /// Checks that the scene can be drawn.
    ///
    /// # Errors
    ///
    /// The first attribute that does not fit, see [`SceneError`].
    pub fn check(&self) -> Result<(), SceneError> {
        let Self { place, time, sky, ref objects } = *self;
        if !(1..=3).contains(&objects.len()) {
            return Err(SceneError::Number(objects.len()));
        }
        if !sky.fits(place, time) {
            return Err(SceneError::Sky { sky, place, time });
        }
        for (index, object) in objects.iter().enumerate() {
            let kind = object.kind;
            if !kind.fits(place) {
                return Err(SceneError::Kind { kind, place });
            }
            if !object.colour.map_or(kind.colours().is_empty(), |colour| kind.colours().contains(&colour)) {
                return Err(SceneError::Colour { kind, colour: object.colour });
            }
            if objects[..index].iter().any(|other| other.side == object.side) {
                return Err(SceneError::Side(object.side));
            }
            if !object.fits(objects.len() == 1) {
                return Err(SceneError::Room(kind));
            }
        }
        Ok(())
    }
}
