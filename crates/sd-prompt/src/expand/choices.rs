use std::sync::Arc;

use super::template::{Choice, Piece, Template};

/// What can be chosen in one place, and how many of it.
#[derive(Debug, Clone)]
pub(super) struct Choices<'a> {
    pub options: Options<'a>,
    pub least: usize,
    pub most: usize,
    pub separator: &'a str,
}

#[derive(Debug, Clone)]
pub(super) enum Options<'a> {
    Group(&'a [Choice]),
    Entries(Arc<[&'a Template]>),
}

impl<'a> Options<'a> {
    pub fn len(&self) -> usize {
        match self {
            Self::Group(choices) => choices.len(),
            Self::Entries(entries) => entries.len(),
        }
    }

    pub fn pieces(&self, index: usize) -> &'a [Piece] {
        match self {
            Self::Group(choices) => &choices[index].pieces,
            Self::Entries(entries) => &entries[index].pieces,
        }
    }

    /// The weights, as shares of the largest one; none if all are equal.
    pub fn weights(&self) -> Option<Vec<f64>> {
        let Self::Group(choices) = self else { return None };
        let largest = choices.iter().map(|choice| choice.weight).fold(0.0, f64::max);
        let is_weighted = choices.iter().any(|choice| choice.weight != largest);
        is_weighted.then(|| choices.iter().map(|choice| choice.weight / largest).collect())
    }
}

/// Joins chosen options. A separator at the start or the end, which an empty option leaves there, is removed.
pub(super) fn join(parts: &[String], separator: &str) -> String {
    if let [part] = parts {
        return part.clone();
    }
    let text = parts.join(separator);
    let text = text.strip_prefix(separator).unwrap_or(&text);
    text.strip_suffix(separator).unwrap_or(text).into()
}
