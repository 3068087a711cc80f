use serde::{Deserialize, Serialize};

use crate::scene::named;
use crate::{Image, pencil};

named! {
    /// How scenes are drawn.
    #[derive(Default, Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    "style" Style {
        /// In colours, as [`Scene::draw`](crate::Scene::draw) does.
        #[default]
        Paint = "paint",
        /// As [`pencil`] drawings.
        Pencil = "pencil",
    }
}

impl Style {
    /// Returns a painted image in this style.
    pub fn apply(self, image: Image) -> Image {
        match self {
            Self::Paint => image,
            Self::Pencil => pencil(&image),
        }
    }
}
