use super::light::Light;
use super::rgb::Rgb;
use crate::{Colour, Sky, Time};

/// The colours of an hour under a sky.
pub(crate) struct Palette {
    /// The sky: top, middle and horizon.
    pub sky: [Rgb; 3],
    /// Water: at the horizon and near.
    pub water: [Rgb; 2],
    /// The lit upper and the shaded lower side of clouds.
    pub cloud: [Rgb; 2],
    /// The disc of the sun or the moon.
    pub lamp: Rgb,
    /// The glow around it.
    pub glow: Rgb,
    /// The air in front of far land.
    pub haze: Rgb,
    /// The light on the land.
    pub land: Light,
    /// The light on objects, which keep more of their own colour.
    pub things: Light,
}

impl Palette {
    /// Creates the palette of an hour under a sky.
    pub fn new(time: Time, sky: Sky) -> Self {
        let hex = |codes: [u32; 3]| codes.map(Rgb::hex);
        let pair = |codes: [u32; 2]| codes.map(Rgb::hex);
        let light = |filter, veil, depth| Light {
            filter: Rgb::hex(filter),
            veil: Rgb::hex(veil),
            depth,
            is_night: time == Time::Night,
        };
        let clear = match time {
            Time::Dawn => Self {
                sky: hex([0x7FB0E3, 0xF3BCCB, 0xFFE9C4]),
                water: pair([0xF0C9CC, 0x7E9DD0]),
                cloud: pair([0xFFF1EA, 0xF2B3C3]),
                haze: Rgb::hex(0),
                lamp: Rgb::hex(0xFFF6D8),
                glow: Rgb::hex(0xFFF0C8),
                land: light(0xFFECE6, 0xF6BFC6, 0.16),
                things: light(0xFFF6F2, 0xF6BFC6, 0.04),
            },
            Time::Day => Self {
                sky: hex([0x3C9BE8, 0x84CBF6, 0xDDF4FB]),
                water: pair([0x7CD0E4, 0x1C7DBE]),
                cloud: pair([0xFFFFFF, 0xD3E6F4]),
                haze: Rgb::hex(0),
                lamp: Rgb::hex(0xFFEA94),
                glow: Rgb::hex(0xFFF8D0),
                land: light(0xFFFFFF, 0xFFFFFF, 0.0),
                things: light(0xFFFFFF, 0xFFFFFF, 0.0),
            },
            Time::Sunset => Self {
                sky: hex([0x452A72, 0xDB4F70, 0xFFB44C]),
                water: pair([0xF4905A, 0x54306F]),
                cloud: pair([0xFF9D7C, 0xA0447C]),
                haze: Rgb::hex(0),
                lamp: Rgb::hex(0xFFE27A),
                glow: Rgb::hex(0xFFC45C),
                land: light(0xFFBEB6, 0x8A3A78, 0.14),
                things: light(0xFCECE6, 0x7A2F66, 0.05),
            },
            Time::Night => Self {
                sky: hex([0x0A1136, 0x1B2C68, 0x40609E]),
                water: pair([0x2F4C8C, 0x0C1840]),
                cloud: pair([0x55699F, 0x2F4079]),
                haze: Rgb::hex(0),
                lamp: Rgb::hex(0xFFF7DC),
                glow: Rgb::hex(0xB9CCFF),
                land: light(0x6684D2, 0x1B2C70, 0.22),
                things: light(0xDAD8EE, 0x2A3A80, 0.06),
            },
        };
        let clear = Self { haze: clear.sky[2].mix(clear.sky[1], 0.65), ..clear };
        if matches!(sky, Sky::Rain | Sky::Snowfall) { clear.overcast(time) } else { clear }
    }

    /// Returns the light on far land, of which the air covers a share.
    pub fn hazy(&self, share: f32) -> Light {
        self.land.veiled(self.haze.mix(self.land.veil, self.land.depth), share.max(self.land.depth))
    }

    /// Returns the palette with the sun behind clouds.
    fn overcast(self, time: Time) -> Self {
        let grey = Rgb::hex(match time {
            Time::Dawn => 0xBDB8D6,
            Time::Day => 0x9DB8D0,
            Time::Sunset => 0x7F6198,
            Time::Night => 0x2A3A66,
        });
        let dull = |light: Light| light.veiled(light.veil.mix(grey, 0.7), light.depth + 0.12);
        Self {
            sky: self.sky.map(|rgb| rgb.mix(grey, 0.6)),
            water: self.water.map(|rgb| rgb.mix(grey.darker(0.25), 0.55)),
            cloud: [grey.lighter(0.2), grey.darker(0.12)],
            haze: self.haze.mix(grey, 0.6),
            land: dull(self.land),
            things: Light { depth: self.things.depth + 0.04, ..self.things },
            ..self
        }
    }
}

/// Returns the paint of an object's colour.
pub(crate) fn paint(colour: Colour) -> Rgb {
    Rgb::hex(match colour {
        Colour::Red => 0xDC3232,
        Colour::Orange => 0xF58A1F,
        Colour::Yellow => 0xFAD02C,
        Colour::Green => 0x2E9E4F,
        Colour::Blue => 0x2D63D6,
        Colour::Purple => 0x8140B8,
        Colour::Pink => 0xF48AB4,
        Colour::White => 0xF8F6F0,
    })
}
