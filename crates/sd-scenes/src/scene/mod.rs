//! A scene as plain data.

mod attributes;
mod description;
mod kind;
mod named;
mod object;
mod random;
mod scene_error;
mod setting;

pub use attributes::{Colour, Count, Side, Size};
pub use description::Scene;
pub use kind::Kind;
pub use named::UnknownName;
pub(crate) use named::named;
pub use object::Object;
pub use scene_error::SceneError;
pub use setting::{Place, Sky, Time};
