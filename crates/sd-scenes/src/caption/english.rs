use crate::rng::Rng;

/// "a" or "an" before words.
pub(super) fn with_article(words: &str) -> String {
    // Every word of ours that begins with a vowel's letter begins with a vowel's sound.
    let article = if words.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {words}")
}

/// "A, B and C".
pub(super) fn list(parts: &[String]) -> String {
    match parts {
        [rest @ .., last] if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => parts.concat(),
    }
}

/// With a capital letter and a full stop.
pub(super) fn sentence(words: &str) -> String {
    let (first, rest) = words.split_at(1);
    format!("{}{rest}.", first.to_uppercase())
}

/// One of the values, the first of them in more than half of the cases.
pub(super) fn likely<T: Copy>(rng: &mut Rng, values: &[T]) -> T {
    if rng.chance(0.5) { values[0] } else { *rng.pick(values) }
}
