//! The grammar of templates. All of its characters are ASCII, so every cut is between characters.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use super::MAX_DEPTH;
use super::template::{Choice, Group, Piece, Template};

const SPACES: [char; 4] = [' ', '\t', '\n', '\r'];

/// Signs by which the original chooses a way of sampling.
const SAMPLING: [char; 3] = ['!', '~', '@'];

impl Template {
    /// Reads a template. What is no syntax is text.
    pub fn parse(text: &str) -> Self {
        let (closing, depth) = match_braces(text);
        let mut parser = Parser { text, at: 0, closing, unsupported: None };
        let pieces = if depth > MAX_DEPTH { Vec::new() } else { parser.pieces(text.len(), false) };
        Self { text: text.into(), pieces, depth, unsupported: parser.unsupported }
    }
}

/// The closing brace of each opening one that has one, and how deeply these pairs are nested.
fn match_braces(text: &str) -> (HashMap<usize, usize>, usize) {
    let (mut closing, mut deepest) = (HashMap::new(), 0);
    // Opening braces, and how deeply pairs are nested inside.
    let mut open: Vec<(usize, usize)> = Vec::new();
    for (at, byte) in text.bytes().enumerate() {
        if byte == b'{' {
            open.push((at, 0));
        } else if byte == b'}'
            && let Some((start, inside)) = open.pop()
        {
            closing.insert(start, at);
            let outer = open.last_mut().map_or(&mut deepest, |(_, depth)| depth);
            *outer = (*outer).max(inside + 1);
        }
    }
    (closing, open.into_iter().map(|(_, inside)| inside).fold(deepest, usize::max))
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    /// The closing brace of each opening one.
    closing: HashMap<usize, usize>,
    unsupported: Option<String>,
}

impl<'a> Parser<'a> {
    /// Reads up to `end`, or to the end of an option.
    fn pieces(&mut self, end: usize, is_option: bool) -> Vec<Piece> {
        let (text, mut pieces, mut start) = (self.text, Vec::new(), self.at);
        let push_text = |pieces: &mut Vec<Piece>, part: &str| {
            if !part.is_empty() {
                pieces.push(Piece::Text(part.into()));
            }
        };
        while self.at < end {
            let at = self.at;
            let piece = match text.as_bytes()[at] {
                b'|' if is_option => break,
                b'{' => self.group().map(Piece::Group),
                b'_' => self.wildcard().map(Piece::Wildcard),
                _ => None,
            };
            match piece {
                Some(piece) => {
                    push_text(&mut pieces, &text[start..at]);
                    pieces.push(piece);
                    start = self.at;
                }
                None => self.at += 1,
            }
        }
        push_text(&mut pieces, &text[start..self.at]);
        pieces
    }

    /// Reads braces. Inside, all braces are paired.
    fn group(&mut self) -> Option<Group> {
        let (open, end) = (self.at, *self.closing.get(&self.at)?);
        self.at += 1;
        self.skip_spaces();
        if self.rest(end).starts_with(SAMPLING) {
            self.at += 1;
        }
        let bounds = bounds(self.rest(end));
        self.at += bounds.map_or(0, |bounds| bounds.length);
        self.note_unsupported(open, end, bounds.is_some());
        let mut choices = vec![self.choice(end)];
        while self.at < end {
            self.at += 1;
            choices.push(self.choice(end));
        }
        self.at = end + 1;
        let (least, most, separator) =
            bounds.map_or((1, 1, ","), |bounds| (bounds.least, bounds.most, bounds.separator));
        Some(Group { choices, picks: ordered(least, most), separator: separator.into() })
    }

    /// Reads an option.
    fn choice(&mut self, end: usize) -> Choice {
        self.skip_spaces();
        let weight = weight(self.rest(end));
        self.at += weight.map_or(0, |(_, length)| length);
        Choice { weight: weight.map_or(1.0, |(weight, _)| weight), pieces: self.pieces(end, true) }
    }

    /// Reads a wildcard. A name does not begin or end with white space, `_` or `-`: such lines and faces are text.
    fn wildcard(&mut self) -> Option<String> {
        let start = self.at;
        let name = self.text[start..].strip_prefix("__")?;
        let name = &name[..name.find("__")?];
        let end = start + name.len() + 4;
        let name = name.strip_prefix(SAMPLING).unwrap_or(name);
        let is_edge = |c: char| !c.is_whitespace() && c != '_' && c != '-';
        let is_in_word =
            self.text[..start].ends_with(char::is_alphanumeric) && self.text[end..].starts_with(char::is_alphanumeric);
        if !name.starts_with(is_edge) || !name.ends_with(is_edge) || name.contains('\n') || is_in_word {
            return None;
        }
        let has_values = name.contains('(') && name.contains('=') && name.ends_with(')');
        let has_choices = name.contains('{') && name.matches('{').count() == name.matches('}').count();
        if has_values || has_choices {
            self.unsupported.get_or_insert_with(|| self.text[start..end].into());
        }
        if name.contains(|c| "{}()|$#:<>,;\"\r\t".contains(c)) {
            return None;
        }
        self.at = end;
        Some(name.into())
    }

    /// Notes a variable (`${name}`, `${name=value}`, `${name:value}`) or a wrap (`%{text...$$text}`).
    fn note_unsupported(&mut self, open: usize, end: usize, has_bounds: bool) {
        let inside = &self.text[open + 1..end];
        let is_variable = || {
            let name = inside.trim_matches(SPACES);
            let rest = name.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-');
            let rest = rest.trim_start_matches(SPACES);
            let is_end = rest.is_empty() || rest.starts_with(['=', ':']) || rest.starts_with("?=");
            name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && is_end
        };
        let is_unsupported = match self.text[..open].chars().next_back() {
            Some('$') => is_variable(),
            Some('%') => !has_bounds && inside.contains("$$"),
            _ => false,
        };
        if is_unsupported {
            self.unsupported.get_or_insert_with(|| self.text[open - 1..=end].into());
        }
    }

    fn rest(&self, end: usize) -> &'a str {
        &self.text[self.at..end]
    }

    fn skip_spaces(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start_matches(SPACES).len();
    }
}

/// How many options are chosen.
#[derive(Clone, Copy)]
struct Bounds<'a> {
    least: usize,
    most: usize,
    separator: &'a str,
    /// The length of the syntax.
    length: usize,
}

/// Reads `2$$`, `1-2$$`, `-2$$` or `1-$$`, perhaps with a separator and `$$`.
fn bounds(text: &str) -> Option<Bounds<'_>> {
    let (range, rest) = text.split_once("$$")?;
    let (least, most) = match range.split_once('-') {
        None => (number(range)?, number(range)?),
        Some(("", most)) => (1, number(most)?),
        Some((least, "")) => (number(least)?, usize::MAX),
        Some((least, most)) => (number(least)?, number(most)?),
    };
    let (separator, rest) = separator(rest).unwrap_or((",", rest));
    Some(Bounds { least, most, separator, length: text.len() - rest.len() })
}

/// Reads a separator and `$$`.
fn separator(text: &str) -> Option<(&str, &str)> {
    let end = text.find(['$', '{', '}'])?;
    Some((&text[..end], text[end..].strip_prefix("$$")?))
}

/// Reads a weight and `::`, and returns the weight and the length.
fn weight(text: &str) -> Option<(f64, usize)> {
    let length = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    text[length..].strip_prefix("::")?;
    // Without digits this is no number. Hundreds of digits are infinite.
    let weight = text[..length].parse().ok().filter(|weight: &f64| weight.is_finite())?;
    Some((weight, length + 2))
}

/// Reads a number. One that is too large means all options anyway.
fn number(digits: &str) -> Option<usize> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(usize::MAX))
}

fn ordered(a: usize, b: usize) -> RangeInclusive<usize> {
    a.min(b)..=a.max(b)
}
