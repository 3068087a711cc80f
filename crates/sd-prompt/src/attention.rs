//! AUTOMATIC1111's weights (`modules/prompt_parser.py`, `parse_prompt_attention`).

use crate::fragment::{DEEPEST, Fragment};
use crate::number::number;
use crate::words::find_word;

const ROUND: f64 = 1.1;
const SQUARE: f64 = 1.0 / 1.1;
/// What marks the word `BREAK` as a break until all weights are known.
const BREAK: f64 = -1.0;

pub(crate) fn fragments(text: &str) -> Vec<Fragment> {
    let mut weighed = Weighed::default();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\\' => weighed.escape(rest),
            '(' => weighed.open_round(),
            '[' => weighed.open_square(),
            ':' | ')' => weighed.close_round(rest),
            ']' => weighed.close_square(),
            _ => weighed.words(rest),
        };
        rest = &rest[length..];
    }
    weighed.finish()
}

/// The pieces so far, and the brackets that are open: how many pieces came before each.
///
/// Every method takes one token off the text and returns its length.
#[derive(Default)]
struct Weighed {
    pieces: Vec<(String, f64)>,
    round: Vec<usize>,
    square: Vec<usize>,
}

impl Weighed {
    fn push(&mut self, text: &str) -> usize {
        self.pieces.push((text.to_owned(), 1.0));
        text.len()
    }

    /// A backslash before a bracket or a backslash makes it text. Elsewhere it is nothing.
    fn escape(&mut self, rest: &str) -> usize {
        let escaped = rest.get(1..2).filter(|next| r"()[]\".contains(next));
        1 + self.push(escaped.unwrap_or(""))
    }

    fn open_round(&mut self) -> usize {
        self.round.push(self.pieces.len());
        1
    }

    fn open_square(&mut self) -> usize {
        self.square.push(self.pieces.len());
        1
    }

    /// `)` or `:weight)`. Without an open bracket both are text, and so is a colon before anything else.
    fn close_round(&mut self, rest: &str) -> usize {
        let (weight, length) = match weight(rest) {
            Some((weight, length)) => (weight, length),
            None if rest.starts_with(':') => return self.push(":"),
            None => (ROUND, 1),
        };
        match self.round.pop() {
            Some(start) => multiply(&mut self.pieces, start, weight, self.round.len()),
            None => _ = self.push(&rest[..length]),
        }
        length
    }

    fn close_square(&mut self) -> usize {
        match self.square.pop() {
            Some(start) => multiply(&mut self.pieces, start, SQUARE, self.square.len()),
            None => _ = self.push("]"),
        }
        1
    }

    /// Words up to the next character of the syntax, with their breaks.
    fn words(&mut self, rest: &str) -> usize {
        let length = rest.find(['\\', '(', ')', '[', ']', ':']).unwrap_or(rest.len());
        let mut words = &rest[..length];
        while let Some(at) = find_word(words, "BREAK") {
            self.push(words[..at].trim_end());
            self.pieces.push(("BREAK".to_owned(), BREAK));
            words = words[at + "BREAK".len()..].trim_start();
        }
        self.push(words);
        length
    }

    fn finish(mut self) -> Vec<Fragment> {
        for (depth, start) in self.round.into_iter().enumerate() {
            multiply(&mut self.pieces, start, ROUND, depth);
        }
        for (depth, start) in self.square.into_iter().enumerate() {
            multiply(&mut self.pieces, start, SQUARE, depth);
        }
        let mut merged: Vec<(String, f64)> = Vec::new();
        for (text, weight) in self.pieces {
            match merged.last_mut() {
                Some(last) if last.1 == weight => last.0.push_str(&text),
                _ => merged.push((text, weight)),
            }
        }
        // A break inside brackets has lost its mark: it is a word of negative weight, in the reference too.
        let fragment = |(text, weight)| match weight {
            BREAK if text == "BREAK" => Fragment::Break,
            _ => Fragment::Words { text, weight },
        };
        let fragments: Vec<_> = merged.into_iter().map(fragment).collect();
        if fragments.is_empty() { vec![Fragment::Words { text: String::new(), weight: 1.0 }] } else { fragments }
    }
}

/// Multiplies the weights of all pieces from `start` on, unless too many brackets are around.
fn multiply(pieces: &mut [(String, f64)], start: usize, factor: f64, depth: usize) {
    if depth < DEEPEST {
        pieces[start..].iter_mut().for_each(|(_, weight)| *weight *= factor);
    }
}

/// Reads `:weight)` and returns its length too. A weight is a sign, digits and a point.
fn weight(text: &str) -> Option<(f64, usize)> {
    let inside = text.strip_prefix(':')?;
    let end = inside.find(|c: char| !(c.is_whitespace() || c.is_ascii_digit() || "+-.".contains(c)))?;
    let weight = number(&inside[..end]).filter(|_| inside[end..].starts_with(')'))?;
    Some((weight, end + 2))
}
