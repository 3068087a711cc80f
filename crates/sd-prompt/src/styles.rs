use std::fs;
use std::path::{Path, PathBuf};

use csv_core::ReadFieldResult;

use crate::names::known;

/// The styles of one file, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Styles {
    file: PathBuf,
    styles: Vec<Style>,
}

/// A style: texts that are put around a prompt, or after it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Style {
    /// The name that it is chosen by.
    pub name: String,
    /// The prompt's part; `{prompt}` stands for the prompt.
    pub prompt: String,
    /// The negative prompt's part; `{prompt}` stands for the negative prompt.
    pub negative_prompt: String,
}

/// Why a style cannot be used: one line that names the culprit and the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StyleError {
    /// A file cannot be read.
    #[error("{}: {source}", .file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// A file has no styles.
    #[error("{}: {reason}", .file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file has no style of this name.
    #[error("{}: no style is called `{name}`; {known}", .file.display())]
    Unknown {
        /// The file.
        file: PathBuf,
        /// The name.
        name: String,
        /// The names that there are, or those closest to it.
        known: String,
    },
}

impl StyleError {
    /// Returns whether the request is at fault, and not a file.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Unknown { .. })
    }
}

impl Styles {
    /// Reads AUTOMATIC1111's `styles.csv`: UTF-8, with the columns `name`, `prompt` (formerly `text`) and `negative_prompt`.
    ///
    /// Fields may be quoted and have several lines. Spaces before a field, other columns, and lines without a name are left
    /// out. If two styles have the same name, the later one counts.
    ///
    /// Source: `modules/styles.py` of
    /// [stable-diffusion-webui](https://github.com/AUTOMATIC1111/stable-diffusion-webui).
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read, is not UTF-8, or lacks the columns of the name and the prompt.
    pub fn read(file: impl AsRef<Path>) -> Result<Self, StyleError> {
        let file = file.as_ref();
        let fail = |reason: String| StyleError::File { file: file.into(), reason };
        let bytes = fs::read(file).map_err(|source| StyleError::Io { file: file.into(), source })?;
        let text = String::from_utf8(bytes).map_err(|_| fail("the text is not UTF-8; save it as UTF-8".into()))?;
        let text = without_leading_spaces(text.trim_start_matches('\u{feff}'));
        let mut rows = rows(&text).into_iter();
        let header = rows.next().unwrap_or_default();
        let column = |wanted: &str| header.iter().position(|name| name == wanted);
        let (Some(name), Some(prompt)) = (column("name"), column("prompt").or(column("text"))) else {
            let found = header.join(",");
            return Err(fail(format!("the first line is \"{found}\", expected name,prompt,negative_prompt")));
        };
        let negative_prompt = column("negative_prompt");
        let mut styles: Vec<Style> = Vec::new();
        for row in rows {
            let field = |column: usize| row.get(column).cloned().unwrap_or_default();
            let negative_prompt = negative_prompt.map(field).unwrap_or_default();
            let style = Style { name: field(name), prompt: field(prompt), negative_prompt };
            match styles.iter_mut().find(|known| known.name == style.name) {
                _ if style.name.is_empty() => {}
                Some(earlier) => *earlier = style,
                None => styles.push(style),
            }
        }
        Ok(Self { file: file.into(), styles })
    }

    /// Returns the names of all styles.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.styles.iter().map(|style| style.name.as_str())
    }

    /// Returns a style.
    ///
    /// # Errors
    ///
    /// Fails if there is none of this name, and names those that there are.
    pub fn get(&self, name: &str) -> Result<&Style, StyleError> {
        self.styles.iter().find(|style| style.name == name).ok_or_else(|| StyleError::Unknown {
            file: self.file.clone(),
            name: name.into(),
            known: known(self.names(), name),
        })
    }
}

impl Style {
    /// Returns the prompts in this style. There is no negative prompt if neither the style nor the caller has one.
    ///
    /// A prompt takes the place of `{prompt}`. If the style has no such place, its part comes after the prompt and `, `;
    /// white space around both is removed then.
    ///
    /// Source: `merge_prompts` of AUTOMATIC1111.
    ///
    /// ```
    /// use sd_prompt::Style;
    ///
    /// let style = Style { prompt: "oil painting of {prompt}".into(), negative_prompt: "photo".into(), ..Style::default() };
    /// assert_eq!(style.apply("a cat", None), ("oil painting of a cat".into(), Some("photo".into())));
    /// assert_eq!(style.apply("a cat", Some("dog")).1.unwrap(), "dog, photo");
    /// ```
    pub fn apply(&self, prompt: &str, negative_prompt: Option<&str>) -> (String, Option<String>) {
        let merged = merge(&self.negative_prompt, negative_prompt.unwrap_or_default());
        let has_negative = negative_prompt.is_some() || !merged.is_empty();
        (merge(&self.prompt, prompt), has_negative.then_some(merged))
    }
}

fn merge(style: &str, prompt: &str) -> String {
    if style.contains("{prompt}") {
        return style.replace("{prompt}", prompt);
    }
    match (prompt.trim(), style.trim()) {
        (text, "") | ("", text) => text.into(),
        (prompt, style) => format!("{prompt}, {style}"),
    }
}

/// The rows of a table, as their fields.
fn rows(text: &str) -> Vec<Vec<String>> {
    let (mut reader, mut input, mut part) = (csv_core::Reader::new(), text.as_bytes(), [0; 1024]);
    let (mut field, mut row, mut rows) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        let (result, read, written) = reader.read_field(input, &mut part);
        input = &input[read..];
        field.extend(&part[..written]);
        match result {
            ReadFieldResult::InputEmpty | ReadFieldResult::OutputFull => {}
            ReadFieldResult::Field { record_end } => {
                let field = std::mem::take(&mut field);
                row.push(String::from_utf8(field).expect("fields of a text are texts"));
                if record_end {
                    rows.push(std::mem::take(&mut row));
                }
            }
            ReadFieldResult::End => return rows,
        }
    }
}

/// The text without the spaces before its fields, which hide the quotes after them.
fn without_leading_spaces(text: &str) -> String {
    let (mut is_start, mut is_quoted, mut has_quotes) = (true, false, false);
    let keep = |c: &char| {
        if is_start && *c == ' ' {
            return false;
        }
        has_quotes = if is_start { *c == '"' } else { has_quotes };
        is_quoted ^= has_quotes && *c == '"';
        is_start = !is_quoted && matches!(c, ',' | '\n' | '\r');
        true
    };
    text.chars().filter(keep).collect()
}
