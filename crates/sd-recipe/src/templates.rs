use serde::Deserialize;

/// Texts with a place for a word, `{}`, which are the captions of images of it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged, expecting = "expected \"object\", \"style\" or a list of texts with {}")]
pub enum Templates {
    /// Those of the reference implementation.
    Named(TemplatesName),
    /// The recipe's own.
    Own(Vec<String>),
}

/// The templates of the reference implementation of Gal et al. 2022, which diffusers' script has too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TemplatesName {
    /// For a thing: a photo of a house.
    Object,
    /// For a style: a painting in the style of somebody.
    Style,
}

/// Some of the texts by which CLIP recognises the classes of ImageNet.
const OBJECT: [&str; 27] = [
    "a photo of a {}",
    "a rendering of a {}",
    "a cropped photo of the {}",
    "the photo of a {}",
    "a photo of a clean {}",
    "a photo of a dirty {}",
    "a dark photo of the {}",
    "a photo of my {}",
    "a photo of the cool {}",
    "a close-up photo of a {}",
    "a bright photo of the {}",
    "a cropped photo of a {}",
    "a photo of the {}",
    "a good photo of the {}",
    "a photo of one {}",
    "a close-up photo of the {}",
    "a rendition of the {}",
    "a photo of the clean {}",
    "a rendition of a {}",
    "a photo of a nice {}",
    "a good photo of a {}",
    "a photo of the nice {}",
    "a photo of the small {}",
    "a photo of the weird {}",
    "a photo of the large {}",
    "a photo of a cool {}",
    "a photo of a small {}",
];

/// What comes before "in the style of".
const STYLE: [&str; 19] = [
    "a painting",
    "a rendering",
    "a cropped painting",
    "the painting",
    "a clean painting",
    "a dirty painting",
    "a dark painting",
    "a picture",
    "a cool painting",
    "a close-up painting",
    "a bright painting",
    "a cropped painting",
    "a good painting",
    "a close-up painting",
    "a rendition",
    "a nice painting",
    "a small painting",
    "a weird painting",
    "a large painting",
];

impl Templates {
    /// Returns the captions for a word.
    pub(crate) fn captions(&self, word: &str) -> Vec<String> {
        match self {
            Self::Named(TemplatesName::Object) => OBJECT.iter().map(|text| text.replace("{}", word)).collect(),
            Self::Named(TemplatesName::Style) => {
                STYLE.iter().map(|what| format!("{what} in the style of {word}")).collect()
            }
            Self::Own(texts) => texts.iter().map(|text| text.replace("{}", word)).collect(),
        }
    }

    /// Checks that there are texts, each with a place for the word.
    pub(crate) fn check(&self) -> Result<(), String> {
        let Self::Own(texts) = self else { return Ok(()) };
        match texts.iter().find(|text| !text.contains("{}")) {
            Some(text) => Err(format!("`inversion.templates` has {text:?}, expected {{}} in it, where the word goes")),
            None if texts.is_empty() => Err("`inversion.templates` has no texts, expected at least one".into()),
            None => Ok(()),
        }
    }
}
