use std::ops::RangeInclusive;

/// A prompt with choices, in the syntax of Dynamic Prompts.
///
/// | syntax | becomes |
/// |---|---|
/// | `{a\|b\|c}` | one of the options, which may be empty and may have choices themselves |
/// | `{0.5::a\|2::b}` | one of the options, by their weights; 1 without a weight |
/// | `{2$$a\|b\|c}` | two different options in a random order, joined by `,` |
/// | `{1-2$$a\|b\|c}` | one or two of them; `{-2$$…}` begins at one, `{1-$$…}` ends at all |
/// | `{2$$ and $$a\|b\|c}` | the same, joined by ` and ` |
/// | `__file__` | an entry of `file.txt` |
/// | `__dir/file__`, `__dir/*__` | the same in a folder; `*` stands for any characters, `/` included |
/// | `{2$$__file__}` | two different entries |
///
/// Everything else is text and stays as it is, unbalanced braces too: `(x:1.2)`, `[a|b]` and `<lora:x:1>` are no choices.
///
/// As in the original,
/// - there are no escapes: braces that are closed are always choices, and `{a}` becomes `a`;
/// - white space before an option is left out, and that after it stays;
/// - a separator at the start or the end of joined options is removed, so that empty options leave no trace;
/// - more options than there are means all of them;
/// - `!`, `~` and `@` at the start of braces or a wildcard are left out. The original chooses the way of sampling with them; here,
///   [`draw`](Self::draw) draws all choices, and [`all`](Self::all) lists all of them.
///
/// Unlike in the original,
/// - `#` and `//` are text, and begin a comment only at the start of a line of a file;
/// - a wildcard's entries keep their order in the file;
/// - `__` between letters or digits on both sides, as in `<lora:my__own__style:1>`, is text;
/// - variables (`${name=…}`, `__file(name=…)__`), wraps (`%{…$$…}`) and choices in the name of a wildcard (`__{a|b}/file__`) are
///   errors, and so are unknown wildcards.
///
/// Source: [dynamicprompts](https://github.com/adieyal/dynamicprompts) 0.31.
///
/// ```
/// use sd_prompt::{Template, Wildcards};
///
/// let template = Template::parse("a {red|green} house, {2$$fog|rain|snow}");
/// let none = Wildcards::none();
/// assert_eq!(template.count(&none)?, 12);
/// assert_eq!(template.all(&none).next().unwrap()?, "a red house, fog,rain");
/// assert_eq!(template.draw(7, &none)?, template.draw(7, &none)?);
/// # Ok::<(), sd_prompt::ExpandError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// The whole text.
    pub(super) text: String,
    pub(super) pieces: Vec<Piece>,
    /// How deeply braces are nested. If it is too deep, there are no pieces.
    pub(super) depth: usize,
    /// The first part with unsupported syntax.
    pub(super) unsupported: Option<String>,
}

/// A part of a template.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Piece {
    Text(String),
    Group(Group),
    /// The name, perhaps with `*`.
    Wildcard(String),
}

/// Braces.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Group {
    pub choices: Vec<Choice>,
    /// How many of the options are chosen.
    pub picks: RangeInclusive<usize>,
    pub separator: String,
}

/// An option in braces.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Choice {
    /// Finite, and not negative.
    pub weight: f64,
    pub pieces: Vec<Piece>,
}

impl Group {
    /// The wildcard that is the only option: its entries are the options then.
    pub fn sole_wildcard(&self) -> Option<&str> {
        match self.choices.as_slice() {
            [Choice { pieces, .. }] => match pieces.as_slice() {
                [Piece::Wildcard(name)] => Some(name),
                _ => None,
            },
            _ => None,
        }
    }
}
