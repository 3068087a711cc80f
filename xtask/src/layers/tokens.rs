//! Rust source as tokens, as far as paths need them: no comments, no literals, no items that only tests have.

/// A part of Rust source. Numbers count as words.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Token<'a> {
    Word(&'a str),
    /// `::`
    Colons,
    /// Any other character that is not white space.
    Mark(char),
}

use Token::{Colons, Mark, Word};

/// Keywords that an item may begin with.
const ITEMS: [&str; 15] = [
    "pub", "mod", "use", "fn", "struct", "enum", "union", "trait", "impl", "type", "const", "static", "unsafe",
    "async", "extern",
];

/// Splits source into tokens, without items under `#[cfg(test)]`.
pub fn tokens(source: &str) -> Vec<Token<'_>> {
    without_tests(&all_tokens(source))
}

fn all_tokens(source: &str) -> Vec<Token<'_>> {
    let (mut tokens, mut rest) = (Vec::new(), source);
    while let Some(first) = rest.chars().next() {
        let length = if first.is_whitespace() {
            first.len_utf8()
        } else if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if let Some(length) = literal(rest) {
            length
        } else if first.is_alphanumeric() || first == '_' {
            let length = word(rest);
            tokens.push(Word(&rest[..length]));
            length
        } else if rest.starts_with("::") {
            tokens.push(Colons);
            2
        } else {
            tokens.push(Mark(first));
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    tokens
}

fn word(text: &str) -> usize {
    text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len())
}

/// The length of a block comment, which may contain others.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if text[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The length of the string, character or lifetime that the text begins with.
fn literal(text: &str) -> Option<usize> {
    let prefix = text.find(|c: char| !"bcr".contains(c)).filter(|length| *length <= 2)?;
    let body = &text[prefix..];
    let hashes = body.find(|c| c != '#')?;
    if text[..prefix].ends_with('r') && body[hashes..].starts_with('"') {
        let (start, end) = (prefix + hashes + 1, format!("\"{}", "#".repeat(hashes)));
        return Some(text[start..].find(&end).map_or(text.len(), |length| start + length + end.len()));
    }
    match body.chars().next()? {
        '"' => Some(prefix + quoted(body, '"')),
        '\'' if prefix == 0 && is_lifetime(body) => Some(1 + word(&body[1..])),
        '\'' => Some(prefix + quoted(body, '\'')),
        _ => None,
    }
}

/// Whether a quote begins a lifetime and not a character: `'a` is one, `'a'` is not.
fn is_lifetime(text: &str) -> bool {
    let mut chars = text.chars().skip(1);
    let first = chars.next().unwrap_or(' ');
    (first.is_alphabetic() || first == '_') && chars.next() != Some('\'')
}

/// The length of a text from its opening to its closing quote.
fn quoted(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Drops attributes, and each item, field or statement whose attribute keeps it for tests.
fn without_tests<'a>(tokens: &[Token<'a>]) -> Vec<Token<'a>> {
    let (mut kept, mut at) = (Vec::new(), 0);
    while at < tokens.len() {
        let start = match tokens[at..] {
            [Mark('#'), Mark('['), ..] => at + 1,
            [Mark('#'), Mark('!'), Mark('['), ..] => at + 2,
            _ => {
                kept.push(tokens[at]);
                at += 1;
                continue;
            }
        };
        let end = closing(tokens, start);
        let attribute = &tokens[start..end];
        at = if is_for_tests(attribute) { after_item(tokens, end) } else { end };
    }
    kept
}

fn is_for_tests(attribute: &[Token]) -> bool {
    let has = |word| attribute.contains(&Word(word));
    has("cfg") && has("test") && !has("not")
}

/// Where the item, field or statement ends that begins at `at`, maybe with more attributes.
fn after_item(tokens: &[Token], mut at: usize) -> usize {
    while let [Mark('#'), Mark('['), ..] = tokens[at..] {
        at = closing(tokens, at + 1);
    }
    let is_item = matches!(tokens.get(at), Some(Word(word)) if ITEMS.contains(word));
    while let Some(token) = tokens.get(at) {
        match token {
            Mark(';') => return at + 1,
            Mark(',') if !is_item => return at + 1,
            Mark('}') => return at,
            Mark('{') => return closing(tokens, at),
            Mark('(' | '[') => at = closing(tokens, at),
            _ => at += 1,
        }
    }
    at
}

/// The place after the bracket that closes the one at `open`.
pub fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token {
            Mark('(' | '[' | '{') => depth += 1,
            Mark(')' | ']' | '}') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    tokens.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(source: &str) -> String {
        let words = tokens(source).into_iter().map(|token| match token {
            Word(word) => word.to_string(),
            Colons => "::".into(),
            Mark(mark) => mark.to_string(),
        });
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_and_literals_are_left_out() {
        assert_eq!(words("a // crate::x\n b /* c /* d */ e */ f"), "a b f");
        assert_eq!(words(r##"a("{\"", r#"b"c"#, b"d", 'e', '\'', b'f')"##), "a ( , , , , , )");
        assert_eq!(words("fn f<'a>(r: &'a str) -> u8 { 1_000 }"), "fn f < > ( r : & str ) - > u8 { 1_000 }");
    }

    #[test]
    fn what_only_tests_have_is_left_out() {
        assert_eq!(words("#[cfg(test)] mod tests { use a; } b"), "b");
        assert_eq!(words("#[cfg(test)] #[rustfmt::skip] fn f<A, B>(a: [A; 2]) -> B {} b"), "b");
        assert_eq!(words("#[cfg(all(test, unix))] use a::{b, c}; d"), "; d");
        assert_eq!(words("struct S { #[cfg(test)] a: u8, b: u8 }"), "struct S { b : u8 }");
        assert_eq!(words("#![allow(x)] #[cfg(not(test))] a"), "a");
    }
}
