use crate::{Sky, Time};

/// Phrases for the sky.
pub(super) fn phrases(sky: Sky, time: Time) -> &'static [&'static str] {
    match (sky, time) {
        (Sky::Clear, Time::Dawn) => &["under a clear sky", "under a clear pink sky", "with the sun low in the sky"],
        (Sky::Clear, Time::Day) => {
            &["under a clear sky", "under a blue sky", "in the sunshine", "with the sun in the sky"]
        }
        (Sky::Clear, Time::Sunset) => &["under a clear sky", "under a clear red sky", "with the sun low in the sky"],
        (Sky::Clear, Time::Night) => {
            &["under a full moon", "in the moonlight", "with the moon in the sky", "under a clear sky"]
        }
        (Sky::Clouds, _) => &["under a cloudy sky", "under clouds", "with clouds in the sky", "under a few clouds"],
        (Sky::Rain, _) => &["in the rain", "under a rainy sky", "in rainy weather", "with rain falling"],
        (Sky::Snowfall, _) => {
            &["in falling snow", "while it snows", "with snow falling", "with snow falling from the sky"]
        }
        (Sky::Stars, _) => {
            &["under a starry sky", "under the stars", "with stars in the sky", "under a crescent moon and stars"]
        }
        (Sky::Rainbow, _) => &["under a rainbow", "with a rainbow", "with a rainbow in the sky"],
    }
}

/// Tags of the sky.
pub(super) fn tags(sky: Sky) -> &'static [&'static str] {
    match sky {
        Sky::Clear => &["clear sky", "clear"],
        Sky::Clouds => &["clouds", "cloudy", "cloudy sky"],
        Sky::Rain => &["rain", "rainy"],
        Sky::Snowfall => &["snowfall", "falling snow"],
        Sky::Stars => &["stars", "starry sky"],
        Sky::Rainbow => &["rainbow"],
    }
}

/// Adjectives of the sky for a [part](super::time::part) of the day.
pub(super) fn adjectives(sky: Sky, time: Time) -> &'static [&'static str] {
    match (sky, time) {
        (Sky::Clear, Time::Day) => &["sunny", "clear"],
        (Sky::Clear, Time::Night) => &["clear", "moonlit"],
        (Sky::Clear, _) => &["clear"],
        (Sky::Clouds, _) => &["cloudy"],
        (Sky::Rain, _) => &["rainy"],
        (Sky::Snowfall, _) => &["snowy"],
        (Sky::Stars, _) => &["starry"],
        (Sky::Rainbow, _) => &[],
    }
}
