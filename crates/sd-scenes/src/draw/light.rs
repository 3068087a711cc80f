use super::rgb::{Ink, Rgb};

/// The effect of the hour and the air on colours.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Light {
    /// The colour of the light.
    pub filter: Rgb,
    /// The colour of the air or the water in front.
    pub veil: Rgb,
    /// How much of it covers the colours behind, 0 to 1.
    pub depth: f32,
    /// Whether lamps are lit.
    pub is_night: bool,
}

impl Light {
    /// Returns the ink as it looks in this light.
    pub fn on(&self, ink: Ink) -> Rgb {
        if ink.shines { ink.rgb } else { ink.rgb.times(self.filter).mix(self.veil, self.depth) }
    }

    /// Returns the light on snow, which reflects more of it.
    pub fn on_snow(self) -> Self {
        Self { filter: self.filter.mix(Rgb::hex(0xFFFFFF), 0.3), ..self }
    }

    /// Returns the light behind another veil.
    pub fn veiled(self, veil: Rgb, depth: f32) -> Self {
        Self { veil, depth, ..self }
    }
}
