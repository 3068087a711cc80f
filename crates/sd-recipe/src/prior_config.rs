use std::path::PathBuf;

use serde::Deserialize;

/// Images of the class of a subject, such as "a dog" for somebody's dog: the model is to draw them as before (Ruiz et al. 2023,
/// DreamBooth, section 3.2).
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriorConfig {
    /// The caption of all of them.
    pub prompt: String,
    /// Their folder; by default `prior/` in the output folder.
    pub folder: Option<PathBuf>,
    /// Number of images. Those that the folder lacks are drawn before the training, by the model that it starts from.
    #[serde(default = "hundred")]
    pub images: usize,
    /// How much their loss counts beside that of the subject's images.
    #[serde(default = "one")]
    pub weight: f64,
}

/// As in diffusers' script.
fn hundred() -> usize {
    100
}

fn one() -> f64 {
    1.0
}
