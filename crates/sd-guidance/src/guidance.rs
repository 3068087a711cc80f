use serde::{Deserialize, Serialize};

use crate::{Apg, Interval, Role, ScaleSchedule, Step, Threshold};

/// How the predictions of a network for several conditions become one.
///
/// Its parts work together, in this order: [composition](crate::Part) and [regions](crate::Region) make one prediction for the prompt;
/// the perpendicular negative, classifier-free guidance or its adaptive projection, and the image's guidance; perturbed and
/// self-attention guidance; thresholding; rescaling. The default is the prompt alone, and what is off costs nothing and changes no bit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Guidance {
    /// Scale of classifier-free guidance (Ho & Salimans 2022): `negative + scale·(prompt − negative)`. As in diffusers, 1 and below
    /// means none; with weighted [parts](crate::Part) or a perpendicular negative prompt it counts as it is.
    pub scale: f64,
    /// Scales step by step, instead of `scale`.
    pub schedule: Option<ScaleSchedule>,
    /// The steps that are guided in any way.
    pub interval: Interval,
    /// Whether scales are those of CFG++ (Chung et al. 2024), in `[0, 1]`: see [`scale_at`](Self::scale_at).
    pub plus_plus: bool,
    /// Scale towards the image of an InstructPix2Pix model (Brooks et al. 2023, equation 3); below 1 there is no guidance of this or the
    /// classifier-free kind, as in diffusers.
    pub image: Option<f64>,
    /// Share of the prediction that gets the standard deviation of the prompt's, in `[0, 1]` (Lin et al. 2023, section 3.4).
    pub rescale: f64,
    /// Adaptive projected guidance instead of classifier-free guidance.
    pub apg: Option<Apg>,
    /// Scale of perturbed-attention guidance (Ahn et al. 2024), 0 for none: adds `pag·(prompt − perturbed)`.
    pub pag: f64,
    /// Scale of self-attention guidance (Hong et al. 2023, equation 16), 0 for none: adds `sag·(negative − degraded)`.
    pub sag: f64,
    /// Dynamic thresholding, where there is classifier-free guidance.
    pub threshold: Option<Threshold>,
    /// Weight of the part of the negative prompt that is perpendicular to the prompt (Armandpour et al. 2023), seen from the
    /// empty prompt: `empty + scale·(prompt − empty − weight·perpendicular)`.
    pub perpendicular: Option<f64>,
}

/// The prompt alone.
impl Default for Guidance {
    fn default() -> Self {
        Self {
            scale: 1.0,
            schedule: None,
            interval: Interval::default(),
            plus_plus: false,
            image: None,
            rescale: 0.0,
            apg: None,
            pag: 0.0,
            sag: 0.0,
            threshold: None,
            perpendicular: None,
        }
    }
}

impl Guidance {
    /// The scale of classifier-free guidance at a step; none is the prompt alone. `composed` says whether the prompt is
    /// [composed](crate::is_composed).
    ///
    /// A step of CFG++ ends at `guided + (to/from)·(x − unguided)`, where `guided` has a scale in `[0, 1]` and both are denoised. A step
    /// of DDIM or Euler ends there too if the scale is divided by `1 − to/from`, so this method does that, and CFG++ needs no sampler of
    /// its own. With other samplers it is an approximation. Each step adds its share, so more steps make the same share stronger.
    pub fn scale_at(&self, step: &Step, composed: bool) -> Option<f64> {
        let scale = self.schedule.as_ref().map_or(self.scale, |schedule| schedule.scale(step.index));
        let is_guided = self.plus_plus || composed || self.perpendicular.is_some() || scale > 1.0;
        let is_in_reach = self.interval.contains(step) && self.image.is_none_or(|image| image >= 1.0);
        (is_guided && is_in_reach).then(|| self.effective(step, scale))
    }

    /// The scale of classifier-free guidance that does what `scale` does in CFG++, if that is on.
    pub(crate) fn effective(&self, step: &Step, scale: f64) -> f64 {
        if self.plus_plus { scale / (1.0 - step.to / step.from) } else { scale }
    }

    /// The predictions needed at a step, in the order of [`Role`]: first what the prompt is guided from, then the prompt, last what is
    /// made of it. A composed prompt has one prediction for each part and region.
    pub fn roles(&self, step: &Step, composed: bool) -> Vec<Role> {
        let is_guided = self.scale_at(step, composed).is_some();
        let is_in_interval = self.interval.contains(step);
        let is_perpendicular = self.perpendicular.is_some();
        let needs = |role: &Role| match role {
            Role::WithoutImage => is_guided && self.image.is_some(),
            Role::Empty => is_perpendicular && (is_guided || composed),
            Role::Negative => is_guided || (composed && !is_perpendicular),
            Role::Prompt => true,
            Role::Perturbed => is_in_interval && self.pag != 0.0,
            Role::Degraded => is_in_interval && self.sag != 0.0,
        };
        Role::ALL.into_iter().filter(needs).collect()
    }
}
