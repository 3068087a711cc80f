use serde::Serialize;

use crate::{ComfyUi, Parameters};

/// What an image says about its making.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Making {
    /// Whose words they are.
    pub source: Source,
    /// The settings; empty if only the [record](Self::record) is there.
    pub parameters: Parameters,
    /// This library's own record, as JSON.
    pub record: Option<String>,
    /// What the image says and the settings cannot, a line each.
    pub unclear: Vec<String>,
}

/// The program whose texts an image has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub enum Source {
    /// This library, with a record of its own.
    #[serde(rename = "sd-burn")]
    SdBurn,
    /// AUTOMATIC1111's web UI, or one of the many that write as it does.
    #[serde(rename = "AUTOMATIC1111")]
    Automatic1111,
    /// ComfyUI.
    #[serde(rename = "ComfyUI")]
    ComfyUi,
}

/// The program's name.
impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::SdBurn => "sd-burn",
            Self::Automatic1111 => "AUTOMATIC1111",
            Self::ComfyUi => "ComfyUI",
        })
    }
}

impl Making {
    /// Keyword of this library's own record.
    pub const RECORD: &str = "sd-burn";

    /// Reads the texts of an image, of which `text` gives the one of a keyword: this library's record first, else
    /// AUTOMATIC1111's text, else ComfyUI's graph. Returns nothing if the image has none of them.
    pub fn read<'a>(text: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        let parameters = text("parameters").map(Parameters::parse);
        if let Some(record) = text(Self::RECORD) {
            let parameters = parameters.unwrap_or_default();
            return Some(Self { source: Source::SdBurn, parameters, record: Some(record.into()), unclear: Vec::new() });
        }
        if let Some(parameters) = parameters {
            return Some(Self { source: Source::Automatic1111, parameters, record: None, unclear: Vec::new() });
        }
        let graph = text("prompt").or_else(|| text("workflow"))?;
        let (parameters, unclear) = match ComfyUi::parse(graph) {
            Ok(ComfyUi { parameters, unclear }) => (parameters, unclear),
            Err(error) => (Parameters::default(), vec![error.to_string()]),
        };
        Some(Self { source: Source::ComfyUi, parameters, record: None, unclear })
    }
}
