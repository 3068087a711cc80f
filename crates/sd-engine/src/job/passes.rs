use serde::{Deserialize, Serialize};

/// A second pass at a larger size: see [`Hires`](sd_pipeline::Hires).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HiresPass {
    /// The larger size.
    pub size: HiresSize,
    /// Steps, of which `strength` is made; none is as many as of the first pass.
    pub steps: Option<usize>,
    /// How much the pass changes, above 0 and up to 1.
    pub strength: f64,
    /// How the image is enlarged: `lanczos`, `latent`, `latent-antialiased`, or the name of an upscaling network.
    pub upscaler: String,
}

/// The size of a second pass.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HiresSize {
    /// A factor on width and height, from 1 to 16.
    Factor(f64),
    /// Width and height in pixels.
    Size(usize, usize),
}

/// A model that makes the last steps, such as XL's refiner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefinerPass {
    /// The model.
    pub model: String,
    /// The share of the noise levels after which it takes over, between 0 and 1.
    #[serde(default = "start")]
    pub start: f64,
}

impl Default for HiresPass {
    fn default() -> Self {
        Self { size: HiresSize::Factor(2.0), steps: None, strength: 0.7, upscaler: "lanczos".into() }
    }
}

fn start() -> f64 {
    0.8
}
