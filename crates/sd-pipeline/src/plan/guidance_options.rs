use sd_guidance::{Apg, Guidance, Interval, ScaleSchedule, Threshold};
use serde::{Deserialize, Serialize};

/// How the predictions for the prompt and the negative prompt become one, besides the scale of the guidance.
///
/// All of them work together; [`Guidance`] says how. In serde every field may be left out, and an unknown field is an error.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GuidanceOptions {
    /// Scales step by step, instead of one.
    pub schedule: Option<ScaleSchedule>,
    /// The steps that are guided; the others follow the prompt alone.
    pub interval: Interval,
    /// CFG++, whose scales are from 0 to 1.
    pub plus_plus: bool,
    /// Share of the prediction that gets the standard deviation of the prompt's, 0 to 1.
    pub rescale: f64,
    /// Adaptive projected guidance. Its bound is that of latents of 4×64×64 values, and grows with the root of their number, as norms
    /// do; 7.5 corresponds to the paper's 15 for Stable Diffusion XL.
    pub apg: Option<Apg>,
    /// Scale of perturbed-attention guidance, 0 for none.
    pub pag: f64,
    /// Scale of self-attention guidance, 0 for none.
    pub sag: f64,
    /// Dynamic thresholding.
    pub threshold: Option<Threshold>,
    /// Weight of the part of the negative prompt that is perpendicular to the prompt; none is the whole negative prompt.
    pub perpendicular: Option<f64>,
}

/// The number of latents that the bound of APG is given for.
pub(super) const NOMINAL: usize = 4 * 64 * 64;

impl GuidanceOptions {
    /// Guidance with these options, for latents of this many values.
    pub fn with(&self, scale: f64, image: Option<f64>, values: usize) -> Guidance {
        let Self { schedule, interval, plus_plus, rescale, apg, pag, sag, threshold, perpendicular } = self.clone();
        let growth = (values as f64 / NOMINAL as f64).sqrt();
        let apg = apg.map(|apg| Apg { norm: apg.norm.map(|norm| norm * growth), ..apg });
        Guidance { scale, schedule, interval, plus_plus, image, rescale, apg, pag, sag, threshold, perpendicular }
    }
}
