use std::fmt;

use serde::Serialize;

use crate::keys::rank;
use crate::pairs::{pairs, quoted};

/// What begins the negative prompt.
const NEGATIVE: &str = "Negative prompt:";

/// The fewest settings of a last line that are settings, and not the prompt's.
const FEWEST: usize = 3;

/// The text `parameters` of AUTOMATIC1111's web UI: the prompts, and a line of settings.
///
/// [`Display`](fmt::Display) writes it and [`parse`](Self::parse) reads it, both as the web UI does.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Parameters {
    /// What the image should show.
    pub prompt: String,
    /// What it should not show; empty is none.
    pub negative_prompt: String,
    /// The settings in their order, such as `Steps` and `20`, without quotes. Keys are of letters, digits, spaces, `-`, `/` and
    /// `_`, at least two.
    pub fields: Vec<(String, String)>,
}

impl Parameters {
    /// Reads a text. Every text can be read: one without settings is a prompt.
    ///
    /// The last line has the settings, if it has at least three. A line that begins `Negative prompt:` begins the negative
    /// prompt. Lines of prompts lose the space around them.
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        let (mut prompts, last) = text.rsplit_once('\n').unwrap_or(("", text));
        let mut fields = pairs(last);
        if fields.len() < FEWEST {
            (prompts, fields) = (text, Vec::new());
        }
        let mut found = Self { fields, ..Self::default() };
        let mut is_negative = false;
        for line in prompts.split('\n').map(str::trim) {
            let line = match line.strip_prefix(NEGATIVE) {
                Some(line) => {
                    is_negative = true;
                    line.trim()
                }
                None => line,
            };
            let prompt = if is_negative { &mut found.negative_prompt } else { &mut found.prompt };
            if !prompt.is_empty() {
                prompt.push('\n');
            }
            prompt.push_str(line);
        }
        // The web UI trims only the whole text: a line without words before the settings would stay.
        for prompt in [&mut found.prompt, &mut found.negative_prompt] {
            prompt.truncate(prompt.trim_end().len());
        }
        found
    }

    /// Returns a setting.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.fields.iter().find(|(found, _)| found == key).map(|(_, value)| value.as_str())
    }

    /// Sets a setting, at the place that it has in the web UI's texts, whatever the order of the calls. Settings that the web UI
    /// does not have come after its own and before `Version`, in the order of the calls.
    pub fn set(&mut self, key: &str, value: impl fmt::Display) {
        let value = value.to_string();
        match self.fields.iter_mut().find(|(found, _)| found == key) {
            Some((_, old)) => *old = value,
            None => {
                let rank = rank(key);
                let after = self.fields.iter().rposition(|(found, _)| crate::keys::rank(found) <= rank);
                self.fields.insert(after.map_or(0, |before| before + 1), (key.to_string(), value));
            }
        }
    }
}

/// Writes the text. Values with a comma, a colon or a line break are JSON strings, and so are those that would not be read as
/// they are.
impl fmt::Display for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.prompt.clone();
        if !self.negative_prompt.is_empty() {
            text += &format!("\n{NEGATIVE} {}", self.negative_prompt);
        }
        let settings: Vec<_> = self.fields.iter().map(|(key, value)| format!("{key}: {}", quoted(value))).collect();
        text += &format!("\n{}", settings.join(", "));
        f.write_str(text.trim())
    }
}
