/// A colour in sRGB, each part from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rgb(pub [f32; 3]);

impl Rgb {
    /// Creates the colour `0xRRGGBB`.
    pub const fn hex(code: u32) -> Self {
        Self([((code >> 16) & 0xFF) as f32 / 255.0, ((code >> 8) & 0xFF) as f32 / 255.0, (code & 0xFF) as f32 / 255.0])
    }

    /// Mixes in a share of another colour, 0 to 1.
    pub fn mix(self, other: Self, share: f32) -> Self {
        Self(std::array::from_fn(|part| self.0[part] + (other.0[part] - self.0[part]) * share))
    }

    /// Returns the colour seen through a filter.
    pub fn times(self, filter: Self) -> Self {
        Self(std::array::from_fn(|part| self.0[part] * filter.0[part]))
    }

    /// Returns the colour in shadow, which is bluish.
    pub fn darker(self, share: f32) -> Self {
        self.mix(Self::hex(0x1D1740), share)
    }

    /// Returns the colour in light.
    pub fn lighter(self, share: f32) -> Self {
        self.mix(Self::hex(0xFFFBEF), share)
    }

    /// Returns the colour as a light, which looks the same at any hour.
    pub fn shining(self) -> Ink {
        Ink { rgb: self, alpha: 1.0, shines: true }
    }

    /// Returns the colour as transparent ink.
    pub fn alpha(self, alpha: f32) -> Ink {
        Ink { rgb: self, alpha, shines: false }
    }
}

/// A colour to fill shapes with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ink {
    pub rgb: Rgb,
    /// 0 is transparent, 1 is opaque.
    pub alpha: f32,
    /// Whether it is a light, which looks the same at any hour.
    pub shines: bool,
}

impl Ink {
    /// Returns the ink with another transparency.
    pub fn alpha(self, alpha: f32) -> Self {
        Self { alpha, ..self }
    }
}

impl From<Rgb> for Ink {
    fn from(rgb: Rgb) -> Self {
        rgb.alpha(1.0)
    }
}
