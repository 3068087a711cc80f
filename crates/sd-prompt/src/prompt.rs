use crate::number::number;
use crate::schedule::{Pass, Schedule};
use crate::tags::{self, LoraTag};
use crate::words::find_word;
use crate::{Syntax, Text};

/// A prompt as a person wrote it, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Prompt {
    /// The LoRAs it asks for, in order.
    pub loras: Vec<LoraTag>,
    /// The tags that ask for something else or can't be read, such as `<hypernet:name:1>`, to warn about.
    pub ignored: Vec<String>,
    /// The texts whose predictions are added, at least one.
    pub parts: Vec<Part>,
}

/// A text between two `AND`.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The factor on its prediction, 1 by default.
    pub weight: f64,
    /// The text with its schedules.
    pub text: String,
    syntax: Syntax,
}

/// The text of a [`Part`] for some steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Phase {
    /// The last step that uses it: step `i`, from 0, uses the first phase with `i <= last`.
    pub last: usize,
    /// What the text encoders see.
    pub text: Text,
}

impl Prompt {
    /// Reads a prompt, which may hold every character sequence.
    ///
    /// In [`Syntax::A1111`] tags leave the text first, then `AND` splits it, where a part may end with `:weight`. The
    /// others have neither. Source: AUTOMATIC1111, `modules/extra_networks.py` and `modules/prompt_parser.py`.
    pub fn parse(text: &str, syntax: Syntax) -> Self {
        if syntax != Syntax::A1111 {
            return Self::parse_negative(text, syntax);
        }
        let tags::Tags { loras, ignored, text } = tags::take(text);
        let parts = parts(&text).map(|(text, weight)| Part { weight, text: text.to_owned(), syntax }).collect();
        Self { loras, ignored, parts }
    }

    /// Reads a negative prompt: one part of weight 1, in which tags and `AND` are text.
    pub fn parse_negative(text: &str, syntax: Syntax) -> Self {
        let part = Part { weight: 1.0, text: text.to_owned(), syntax };
        Self { loras: Vec::new(), ignored: Vec::new(), parts: vec![part] }
    }
}

impl Part {
    /// The phases of `steps` steps, in order.
    ///
    /// `[from:to:when]` switches after step `when`, or after that fraction of the steps if `when` has a point. `[a|b]`
    /// takes turns. As in AUTOMATIC1111 steps count from 1 here and from 0 in the use of [`Phase::last`], so the first
    /// phase gets a step more.
    pub fn phases(&self, steps: usize) -> Vec<Phase> {
        self.phases_of(Pass { steps, done: 0, passes: 0 })
    }

    /// The phases of a second pass of `steps` steps after one of `done` steps, as AUTOMATIC1111's high-resolution fix:
    /// its steps count from `done` on and its fractions from 1.0 to 2.0.
    pub fn phases_of_second_pass(&self, steps: usize, done: usize) -> Vec<Phase> {
        self.phases_of(Pass { steps, done, passes: 1 })
    }

    fn phases_of(&self, pass: Pass) -> Vec<Phase> {
        let texts = match self.syntax {
            Syntax::A1111 => Schedule::parse(&self.text).texts(pass),
            Syntax::Comfy | Syntax::Plain => vec![(pass.steps, self.text.clone())],
        };
        texts.into_iter().map(|(last, text)| Phase { last, text: Text::parse(&text, self.syntax) }).collect()
    }

    /// The schedules that never switch, such as `[cat:dog:50]`, in passes of so many steps: those to warn about.
    pub fn beyond(&self, passes: &[usize]) -> Vec<&str> {
        match self.syntax {
            Syntax::A1111 => Schedule::parse(&self.text).beyond(passes),
            Syntax::Comfy | Syntax::Plain => Vec::new(),
        }
    }
}

/// The parts around every `AND`, with their weights.
fn parts(text: &str) -> impl Iterator<Item = (&str, f64)> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let and = find_word(text, "AND");
        rest = and.map(|at| &text[at + "AND".len()..]);
        Some(weighted(&text[..and.unwrap_or(text.len())]))
    })
}

/// Splits `text:weight`. A weight is a sign, digits and a point; without one it is 1.
fn weighted(text: &str) -> (&str, f64) {
    let text = text.trim_end();
    let split = text.rsplit_once(':').and_then(|(text, weight)| {
        let is_weight = weight.trim_start().chars().all(|c| c.is_ascii_digit() || "+-.".contains(c));
        Some((text.trim_end(), number(weight).filter(|_| is_weight)?))
    });
    split.unwrap_or((text, 1.0))
}
