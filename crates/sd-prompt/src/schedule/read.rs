use std::ops::Range;

use super::{Choice, Token, When};

/// Reads a text into tokens, or returns `None` if the reference's grammar refuses it.
///
/// That grammar takes brackets and colons as text, but not inside other brackets. So a pair of brackets counts if what is
/// inside does, and one that doesn't makes text of all brackets around it.
pub(super) fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut reader = Reader { text, tokens: Vec::new(), open: Vec::new() };
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let end = if "()[]:|".contains(first) { at + 1 } else { plain_end(text, at)? };
        reader.read(first, at..end)?;
        at = end;
    }
    reader.give_up()?;
    Some(reader.tokens)
}

/// Where plain text ends that starts here, or `None` if a backslash in it stands before nothing.
fn plain_end(text: &str, start: usize) -> Option<usize> {
    let mut chars = text[start..].char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => _ = chars.next().filter(|(_, escaped)| *escaped != '\n')?,
            '(' | ')' | '[' | ']' | ':' | '|' => return Some(start + at),
            _ => {}
        }
    }
    Some(text.len())
}

struct Reader<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    open: Vec<Bracket>,
}

/// An open bracket: where it is in the text, and where it and its separators are among the tokens.
struct Bracket {
    first: char,
    at: usize,
    token: usize,
    colons: Vec<usize>,
    bars: Vec<usize>,
}

impl Reader<'_> {
    /// Reads one token, which starts with `first`.
    fn read(&mut self, first: char, range: Range<usize>) -> Option<()> {
        let token = self.tokens.len();
        match first {
            '(' | '[' => {
                self.open.push(Bracket { first, at: range.start, token, colons: Vec::new(), bars: Vec::new() })
            }
            ')' => return self.close('(', range),
            ']' => return self.close('[', range),
            ':' => self.open.last_mut().into_iter().for_each(|bracket| bracket.colons.push(token)),
            '|' => self.open.last_mut()?.bars.push(token),
            _ => {}
        }
        self.tokens.push(Token::Text(range));
        Some(())
    }

    fn close(&mut self, first: char, range: Range<usize>) -> Option<()> {
        let Some(bracket) = self.open.pop_if(|bracket| bracket.first == first) else {
            self.give_up()?;
            self.tokens.push(Token::Text(range));
            return Some(());
        };
        match (first, &bracket.colons[..], &bracket.bars[..]) {
            (_, [], []) | ('(', [_], []) => self.tokens.push(Token::Text(range)),
            ('[', [], bars) => {
                self.tokens[bracket.token] = Token::Open(Choice::Alternate { options: bars.len() + 1 });
                bars.iter().for_each(|&bar| self.tokens[bar] = Token::Next);
                self.tokens.push(Token::Close);
            }
            ('[', [from @ .., last], []) if from.len() < 2 && self.when(*last).is_some() => {
                let (when, source) = (self.when(*last)?, bracket.at..range.end);
                self.tokens[bracket.token] = Token::Open(Choice::Switch { when, has_from: !from.is_empty(), source });
                from.iter().for_each(|&colon| self.tokens[colon] = Token::Next);
                self.tokens.truncate(*last);
                self.tokens.push(Token::Close);
            }
            _ => {
                self.open.push(bracket);
                self.give_up()?;
                self.tokens.push(Token::Text(range));
            }
        }
        Some(())
    }

    /// The number after a colon, if nothing else is there.
    fn when(&self, colon: usize) -> Option<When> {
        match &self.tokens[colon + 1..] {
            [Token::Text(range)] => When::parse(&self.text[range.clone()]),
            _ => None,
        }
    }

    /// Takes all open brackets as text, which a `|` can't be.
    fn give_up(&mut self) -> Option<()> {
        self.open.drain(..).all(|bracket| bracket.bars.is_empty()).then_some(())
    }
}
