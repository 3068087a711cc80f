use super::rgb::{Ink, Rgb};

/// What the hour and the air do to colours.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Light {
    /// The colour of the light.
    pub filter: Rgb,
    /// The colour of the air or the water before what is drawn.
    pub veil: Rgb,
    /// How much of it is before what is drawn, 0 to 1.
    pub depth: f32,
    /// Whether lamps are lit.
    pub is_night: bool,
}

impl Light {
    /// The ink as it looks in this light.
    pub fn on(&self, ink: Ink) -> Rgb {
        if ink.shines { ink.rgb } else { ink.rgb.times(self.filter).mix(self.veil, self.depth) }
    }

    /// The light on snow, which gives back more of it.
    pub fn on_snow(self) -> Self {
        Self { filter: self.filter.mix(Rgb::hex(0xFFFFFF), 0.3), ..self }
    }

    /// The light behind more of a veil.
    pub fn veiled(self, veil: Rgb, depth: f32) -> Self {
        Self { veil, depth, ..self }
    }
}
