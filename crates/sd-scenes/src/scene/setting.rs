use super::named::named;

named! {
    /// The place of a scene.
    "place" Place {
        /// Open water to the horizon; objects that do not float stand on islets.
        Sea = "sea",
        /// Grass and rolling hills.
        Meadow = "meadow",
        /// Dunes, with flat-topped rocks far away.
        Desert = "desert",
        /// Snow-covered hills.
        Snow = "snow",
        /// Peaks behind a lake and its shore.
        Mountains = "mountains",
        /// A skyline behind a park and a road.
        City = "city",
    }
}

named! {
    /// The time of day, which determines all colours.
    "time" Time {
        /// Pale blue and pink, the sun low.
        Dawn = "dawn",
        /// Blue, the sun high.
        Day = "day",
        /// Purple, red and orange, the sun low.
        Sunset = "sunset",
        /// Dark blue, windows and lamps lit.
        Night = "night",
    }
}

named! {
    /// The contents of the sky, besides the colours of the [`Time`].
    "sky" Sky {
        /// The sun, or at night the full moon.
        Clear = "clear",
        /// The sun or the full moon, and a few clouds.
        Clouds = "clouds",
        /// Grey, with streaks of rain.
        Rain = "rain",
        /// Grey, with flakes, where it is cold enough.
        Snowfall = "snowfall",
        /// A crescent moon and stars, at night.
        Stars = "stars",
        /// A rainbow, by day.
        Rainbow = "rainbow",
    }
}

impl Sky {
    /// Whether the sky fits a place and a time.
    pub fn fits(self, place: Place, time: Time) -> bool {
        match self {
            Self::Clear | Self::Clouds => true,
            Self::Rain => place != Place::Snow,
            Self::Snowfall => matches!(place, Place::Snow | Place::Mountains | Place::City),
            Self::Stars => time == Time::Night,
            Self::Rainbow => time == Time::Day && place != Place::Snow,
        }
    }
}
