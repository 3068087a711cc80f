//! ComfyUI's weights (`comfy/sd1_clip.py`, `token_weights`).

use crate::fragment::{DEEPEST, Fragment};
use crate::number::number;

const ROUND: f64 = 1.1;

pub(crate) fn fragments(text: &str) -> Vec<Fragment> {
    let mut fragments = Vec::new();
    weigh(text, 1.0, 0, &mut fragments);
    fragments
}

/// Weighs a text that `depth` brackets surround.
fn weigh(text: &str, around: f64, depth: usize, fragments: &mut Vec<Fragment>) {
    for item in items(text) {
        match item {
            Item::Bracket(inside) if depth < DEEPEST => {
                let (inside, weight) = explicit(inside).unwrap_or((inside, around * ROUND));
                weigh(inside, weight, depth + 1, fragments);
            }
            Item::Bracket(text) | Item::Words(text) => {
                fragments.push(Fragment::Words { text: unescape(text), weight: around });
            }
        }
    }
}

/// Splits `text:weight`, if there is a text.
fn explicit(inside: &str) -> Option<(&str, f64)> {
    let (text, weight) = inside.rsplit_once(':')?;
    Some((text, number(weight)?)).filter(|_| !text.is_empty())
}

enum Item<'a> {
    Words(&'a str),
    /// What is inside a pair of round brackets.
    Bracket(&'a str),
}

/// Splits a text at its outermost brackets.
///
/// After a `)` too many the next `(` only makes up for it, as in the reference.
fn items(text: &str) -> Vec<Item<'_>> {
    let mut items = Vec::new();
    let (mut start, mut level, mut previous) = (0, 0_isize, ' ');
    for (at, c) in text.char_indices() {
        let escaped = previous == '\\';
        previous = c;
        match c {
            '(' if !escaped => {
                if level == 0 && start < at {
                    items.push(item(&text[start..at]));
                    start = at;
                }
                level += 1;
            }
            ')' if !escaped => {
                level -= 1;
                if level == 0 {
                    items.push(item(&text[start..=at]));
                    start = at + 1;
                }
            }
            _ => {}
        }
    }
    if start < text.len() {
        items.push(item(&text[start..]));
    }
    items
}

/// Also a bracket that is never closed counts, if the text ends with the `)` of another.
fn item(text: &str) -> Item<'_> {
    let inside = text.strip_prefix('(').and_then(|text| text.strip_suffix(')'));
    inside.filter(|inside| !inside.ends_with('\\')).map_or(Item::Words(text), Item::Bracket)
}

fn unescape(text: &str) -> String {
    text.replace(r"\(", "(").replace(r"\)", ")")
}
