use crate::Time;

/// Phrases for the time of day.
pub(super) fn phrases(time: Time) -> &'static [&'static str] {
    match time {
        Time::Dawn => &["at dawn", "at sunrise", "in the morning", "early in the morning"],
        Time::Day => &["by day", "during the day", "in daylight", "at noon"],
        Time::Sunset => &["at sunset", "at dusk", "in the evening"],
        Time::Night => &["at night", "by night", "in the night"],
    }
}

/// Tags of the time.
pub(super) fn tags(time: Time) -> &'static [&'static str] {
    match time {
        Time::Dawn => &["dawn", "sunrise", "morning"],
        Time::Day => &["day", "daylight", "noon"],
        Time::Sunset => &["sunset", "dusk", "evening"],
        Time::Night => &["night"],
    }
}

/// The part of the day that follows an adjective of the sky: "a cloudy morning".
pub(super) fn part(time: Time) -> &'static str {
    match time {
        Time::Dawn => "morning",
        Time::Day => "day",
        Time::Sunset => "evening",
        Time::Night => "night",
    }
}
