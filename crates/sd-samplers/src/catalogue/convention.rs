use sd_schedule::{NoiseLevels, Process, ScheduleError, Spacing};
use serde::{Deserialize, Serialize};

/// The reference implementation whose noise levels a sampler visits, so that a seed gives the same image there and here.
///
/// The mathematics leaves four things open: which timesteps 20 steps visit, how large the first noise is, whether the
/// last step goes to no noise, and whether the network sees fractional timesteps. The references differ in all four.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Convention {
    /// diffusers' `DDPMScheduler`.
    Ddpm,
    /// diffusers' `DDIMScheduler`.
    Ddim,
    /// diffusers' `PNDMScheduler`.
    Pndm,
    /// k-diffusion, and diffusers' schedulers derived from it, such as `EulerDiscreteScheduler`.
    KDiffusion,
    /// diffusers' `DPMSolverMultistepScheduler` and `UniPCMultistepScheduler`.
    DpmSolver,
    /// diffusers' `DEISMultistepScheduler` and `SASolverScheduler`.
    Deis,
    /// diffusers' `LCMScheduler`.
    Lcm,
    /// diffusers' `TCDScheduler`.
    Tcd,
}

/// The part of a scheduler's configuration that decides which noise levels are visited, named as in diffusers.
#[derive(Debug, Clone, PartialEq)]
pub struct LevelOptions {
    /// Which timesteps are visited (`timestep_spacing`); none is the convention's default.
    pub spacing: Option<Spacing>,
    /// Offset that the default leading spacing adds to its timesteps (`steps_offset`).
    pub steps_offset: usize,
    /// Whether the last step goes to no noise rather than to the smallest trained level (`set_alpha_to_one`); none is the
    /// convention's default.
    pub set_alpha_to_one: Option<bool>,
    /// Whether samplers whose last step goes to no noise stop at the smallest trained level instead (`final_sigmas_type`).
    pub final_sigma_min: bool,
    /// Number of timesteps that consistency models are distilled on (`original_inference_steps`).
    pub original_inference_steps: usize,
}

/// diffusers' defaults.
impl Default for LevelOptions {
    fn default() -> Self {
        Self {
            spacing: None,
            steps_offset: 0,
            set_alpha_to_one: None,
            final_sigma_min: false,
            original_inference_steps: 50,
        }
    }
}

/// The noise levels of an image, and how the convention starts and visits them.
#[derive(Debug, Clone, PartialEq)]
pub struct Levels {
    /// The noise levels.
    pub levels: NoiseLevels,
    /// Standard deviation of the noise that the image starts from.
    pub start_std: f64,
    /// Whether the network is called at whole timesteps only.
    pub whole_timesteps: bool,
}

impl Convention {
    /// Name of the reference implementation's class whose defaults apply; the first if there are several.
    pub fn class(self) -> &'static str {
        match self {
            Self::Ddpm => "DDPMScheduler",
            Self::Ddim => "DDIMScheduler",
            Self::Pndm => "PNDMScheduler",
            Self::KDiffusion => "EulerDiscreteScheduler",
            Self::DpmSolver => "DPMSolverMultistepScheduler",
            Self::Deis => "DEISMultistepScheduler",
            Self::Lcm => "LCMScheduler",
            Self::Tcd => "TCDScheduler",
        }
    }

    /// Whether this is one of diffusers' multistep solvers, which call the network at whole timesteps only and have a
    /// `solver_order`.
    pub fn is_multistep(self) -> bool {
        matches!(self, Self::DpmSolver | Self::Deis)
    }

    /// Returns the levels of `steps` steps as the class spaces them; for rectified flow and EDM, the process's own.
    ///
    /// # Errors
    ///
    /// [`ScheduleError`] if the training has no such timesteps.
    pub fn levels(self, process: &Process, options: &LevelOptions, steps: usize) -> Result<NoiseLevels, ScheduleError> {
        let schedule = match process {
            Process::VariancePreserving { schedule, .. } => schedule,
            Process::RectifiedFlow(flow) => return flow.levels(steps),
            Process::Edm(edm) => {
                return edm.levels(steps, if options.final_sigma_min { edm.sigma_min() } else { 0.0 });
            }
            other => unreachable!("{other:?} has no levels"),
        };
        let (spacing, trained) = (self.spacing(options), schedule.len());
        let timesteps = match self {
            Self::KDiffusion => spacing.fractional(steps, trained)?,
            Self::DpmSolver | Self::Deis => spacing.without_last(steps, trained)?,
            _ => spacing.timesteps(steps, trained)?,
        };
        NoiseLevels::of_timesteps(schedule, &timesteps, self.last_level(process, options))
    }

    /// Adds to noise levels, the class's own or others, how the class starts and visits them.
    pub fn visit(self, process: &Process, levels: NoiseLevels, options: &LevelOptions) -> Levels {
        let first = levels.first();
        let (is_edm, has_timesteps) = match process {
            Process::VariancePreserving { .. } => (false, true),
            Process::Edm(_) => (true, false),
            _ => (false, false),
        };
        // Noisy images of unit variance have the standard deviation sqrt(1 + sigma²); k-diffusion starts from sigma alone, but
        // diffusers' classes of EDM do not.
        let at_sigma = self == Self::KDiffusion && !matches!(self.spacing(options), Spacing::Leading { .. }) && !is_edm;
        let start_std = if at_sigma { first } else { first.hypot(1.0) };
        Levels { levels, start_std, whole_timesteps: self.is_multistep() && has_timesteps }
    }

    /// Noise level to which the last step goes: 0, or the smallest of the training.
    pub fn last_level(self, process: &Process, options: &LevelOptions) -> f64 {
        let ends_clean = match self {
            Self::Ddpm | Self::Lcm => true,
            Self::Ddim => options.set_alpha_to_one.unwrap_or(true),
            Self::Pndm => options.set_alpha_to_one.unwrap_or(false),
            Self::KDiffusion | Self::DpmSolver => !options.final_sigma_min,
            Self::Deis | Self::Tcd => false,
        };
        if ends_clean { 0.0 } else { process.sigma_min() }
    }

    /// Whether the class follows a configured spacing.
    pub fn reads_spacing(self) -> bool {
        !matches!(self, Self::Lcm | Self::Tcd)
    }

    fn spacing(self, options: &LevelOptions) -> Spacing {
        let own = match self {
            Self::Lcm | Self::Tcd => Spacing::Lcm { original_steps: options.original_inference_steps },
            Self::KDiffusion | Self::DpmSolver | Self::Deis => Spacing::Linspace,
            Self::Ddpm | Self::Ddim | Self::Pndm => Spacing::Leading { offset: options.steps_offset },
        };
        options.spacing.unwrap_or(own)
    }
}
