use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Whose rules a prompt is read by. Its names are `a1111`, `comfy` and `plain`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Syntax {
    /// AUTOMATIC1111's and Forge's: weights, schedules, composition, `BREAK` and tags of LoRAs.
    #[default]
    A1111,
    /// ComfyUI's: weights only. An explicit weight replaces the one around it.
    Comfy,
    /// None, as in diffusers: every character is text, and what exceeds one chunk is cut.
    Plain,
}

impl Syntax {
    /// Every syntax, the default first.
    pub const ALL: [Self; 3] = [Self::A1111, Self::Comfy, Self::Plain];

    fn name(self) -> &'static str {
        match self {
            Self::A1111 => "a1111",
            Self::Comfy => "comfy",
            Self::Plain => "plain",
        }
    }
}

impl fmt::Display for Syntax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Syntax {
    type Err = SyntaxError;

    fn from_str(name: &str) -> Result<Self, SyntaxError> {
        Self::ALL.into_iter().find(|syntax| syntax.name() == name).ok_or_else(|| SyntaxError(name.to_owned()))
    }
}

/// The name of no [`Syntax`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("unknown prompt syntax {0:?}: use a1111, comfy or plain")]
pub struct SyntaxError(
    /// The name.
    pub String,
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for syntax in Syntax::ALL {
            assert_eq!(syntax.to_string().parse(), Ok(syntax));
            assert_eq!(serde_json::to_string(&syntax).unwrap(), format!("\"{syntax}\""));
        }
        let error = "A1111".parse::<Syntax>().unwrap_err();
        assert_eq!(error.to_string(), r#"unknown prompt syntax "A1111": use a1111, comfy or plain"#);
    }
}
