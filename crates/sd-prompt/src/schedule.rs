//! AUTOMATIC1111's schedules and alternatives (`modules/prompt_parser.py`, `get_learned_conditioning_prompt_schedules`).

mod read;
mod when;

use std::collections::BTreeSet;
use std::ops::Range;

use when::When;

/// A text that changes with the steps, as a flat list: brackets may be nested as deep as they like.
pub(crate) struct Schedule<'a> {
    text: &'a str,
    tokens: Vec<Token>,
}

enum Token {
    Text(Range<usize>),
    /// Starts a schedule or an alternation, whose options follow, with a [`Token::Next`] between them.
    Open(Choice),
    Next,
    Close,
}

enum Choice {
    /// `[from:to:when]`, or `[to:when]` with a single option; `source` is all of it.
    Switch { when: When, has_from: bool, source: Range<usize> },
    /// `[a|b]`.
    Alternate { options: usize },
}

/// The steps of one pass over an image: `done` steps of `passes` passes were before.
#[derive(Clone, Copy)]
pub(crate) struct Pass {
    pub steps: usize,
    pub done: usize,
    pub passes: usize,
}

impl<'a> Schedule<'a> {
    /// Reads a text. One with a stray `|` or a backslash before nothing has no schedules, in the reference too.
    pub fn parse(text: &'a str) -> Self {
        let tokens = read::tokens(text).unwrap_or_else(|| vec![Token::Text(0..text.len())]);
        Self { text, tokens }
    }

    /// The texts of a pass, each with the last step that sees it.
    pub fn texts(&self, pass: Pass) -> Vec<(usize, String)> {
        let mut ends = BTreeSet::from([pass.steps]);
        for token in &self.tokens {
            match token {
                Token::Open(Choice::Switch { when, .. }) => ends.extend(when.step(pass).filter(|&step| step >= 1)),
                Token::Open(Choice::Alternate { .. }) => ends.extend(1..=pass.steps),
                _ => {}
            }
        }
        ends.into_iter().map(|end| (end, self.text_at(end, pass))).collect()
    }

    fn text_at(&self, step: usize, pass: Pass) -> String {
        let mut text = String::new();
        // How many options come before the chosen one, for every bracket around, and how many of these are not at 0.
        let mut to_come = Vec::new();
        let mut hidden = 0;
        for token in &self.tokens {
            match token {
                Token::Text(range) if hidden == 0 => text.push_str(&self.text[range.clone()]),
                Token::Text(_) => {}
                Token::Open(choice) => {
                    to_come.push(choice.at(step, pass));
                    hidden += usize::from(to_come.last() != Some(&0));
                }
                Token::Next => {
                    let left = to_come.last_mut().expect("options are in brackets");
                    hidden -= usize::from(*left != 0);
                    *left -= 1;
                    hidden += usize::from(*left != 0);
                }
                Token::Close => hidden -= usize::from(to_come.pop() != Some(0)),
            }
        }
        text
    }

    /// The schedules that no step of these passes reaches.
    pub fn beyond(&self, passes: &[usize]) -> Vec<&'a str> {
        let source = |token: &Token| match token {
            Token::Open(Choice::Switch { when, source, .. }) if when.is_beyond(passes) => {
                Some(&self.text[source.clone()])
            }
            _ => None,
        };
        self.tokens.iter().filter_map(source).collect()
    }
}

impl Choice {
    /// Which option a step sees, from 0. −1 is what a schedule without `from` has before its switch.
    fn at(&self, step: usize, pass: Pass) -> isize {
        match self {
            Self::Switch { when, has_from, .. } => {
                let switched = when.step(pass).is_none_or(|last| step > last);
                isize::from(switched) - isize::from(!has_from)
            }
            Self::Alternate { options } => ((step + options - 1) % options) as isize,
        }
    }
}

#[cfg(test)]
mod tests;
