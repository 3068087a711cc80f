use crate::rng::Rng;

/// Puts "a" or "an" before words.
pub(super) fn with_article(words: &str) -> String {
    // Every caption word with a vowel as its first letter also begins with the sound of a vowel.
    let article = if words.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {words}")
}

/// Joins parts as "A, B and C".
pub(super) fn list(parts: &[String]) -> String {
    match parts {
        [rest @ .., last] if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => parts.concat(),
    }
}

/// Adds a capital letter and a full stop.
pub(super) fn sentence(words: &str) -> String {
    let (first, rest) = words.split_at(1);
    format!("{}{rest}.", first.to_uppercase())
}

/// Picks one of the values, the first in more than half of the cases.
pub(super) fn likely<T: Copy>(rng: &mut Rng, values: &[T]) -> T {
    if rng.chance(0.5) { values[0] } else { *rng.pick(values) }
}
