use std::fmt;

use serde::{Deserialize, Serialize};

/// An attribute that a caption may give and an image may show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Attribute {
    /// The place of the scene.
    Place,
    /// The time of day.
    Time,
    /// The sky.
    Sky,
    /// The presence of an object.
    Object,
    /// The colour of an object.
    Colour,
    /// The part of the image that an object is in.
    Side,
    /// How large an object is.
    Size,
    /// How many of an object there are.
    Count,
    /// All attributes of the caption at once.
    Caption,
}

impl Attribute {
    /// Every attribute, the whole caption last.
    pub const ALL: [Self; 9] = [
        Self::Place,
        Self::Time,
        Self::Sky,
        Self::Object,
        Self::Colour,
        Self::Side,
        Self::Size,
        Self::Count,
        Self::Caption,
    ];
}

/// In lower case, for tables.
impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Place => "place",
            Self::Time => "time",
            Self::Sky => "sky",
            Self::Object => "object",
            Self::Colour => "colour",
            Self::Side => "side",
            Self::Size => "size",
            Self::Count => "count",
            Self::Caption => "whole caption",
        })
    }
}
