use std::fmt;

use super::{Distillation, Evidence};
use crate::SamplerName;
use crate::config::SchedulerConfig;

/// How a model that was distilled for few steps wants to be drawn, where a request does not say otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct FewSteps {
    /// How it was distilled.
    pub distillation: Distillation,
    /// What told it.
    pub evidence: Evidence,
    /// The sampler; none is the one that the model's config names.
    pub sampler: Option<SamplerName>,
    /// The overshoot of TCD's steps; none is the sampler's default.
    pub gamma: Option<f64>,
    /// The timesteps that are visited.
    pub timesteps: Timesteps,
    /// Number of steps.
    pub steps: usize,
    /// Guidance scale; 1 is none.
    pub guidance: f64,
}

/// The timesteps that a distilled network was trained for.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Timesteps {
    /// Those of the sampler and the model's config.
    Own,
    /// Evenly, counted back from the last one.
    Trailing,
    /// By the noise levels of Karras et al. 2022.
    Karras,
    /// These.
    Listed(&'static [f64]),
}

impl FewSteps {
    /// The settings that the authors of the distillation recommend, for a network whose name has a number of steps or none.
    pub(super) fn new(distillation: Distillation, evidence: Evidence, steps: Option<usize>, is_lora: bool) -> Self {
        use Distillation::{Dmd2, Hyper, HyperGuided, Lcm, Lightning, Pcm, PcmGuided, Sdxs, Tcd, Turbo, TurboMerge};
        use Timesteps::{Karras, Listed, Own, Trailing};
        let (sampler, timesteps, usual, guidance) = match (distillation, steps) {
            (Lcm, _) => ("lcm", Own, 4, OFF),
            (Turbo, _) => ("euler-a", Trailing, if is_lora { 4 } else { 1 }, OFF),
            (TurboMerge, _) => ("dpm++sde", Karras, 6, 2.0),
            (Lightning, _) => ("euler", Trailing, 4, OFF),
            (Hyper, Some(1)) if is_lora => ("tcd", Own, 1, OFF),
            (Hyper, Some(1)) => ("lcm", Listed(&[800.0]), 1, OFF),
            (Hyper, _) => ("ddim", Trailing, 8, OFF),
            (HyperGuided, _) => ("ddim", Trailing, 8, 5.0),
            (Tcd, _) => ("tcd", Own, 4, OFF),
            (Dmd2, Some(1)) => ("lcm", Listed(&[399.0]), 1, OFF),
            (Dmd2, _) => ("lcm", Listed(&[999.0, 749.0, 499.0, 249.0]), 4, OFF),
            (Pcm, _) => ("ddim", Trailing, 4, OFF),
            (PcmGuided, _) => ("ddim", Trailing, 4, 7.5),
            (Sdxs, _) => ("euler", Trailing, 1, OFF),
        };
        Self {
            distillation,
            evidence,
            sampler: Some(sampler.parse().expect("it is in the catalogue")),
            gamma: (distillation == Hyper && sampler == "tcd").then_some(1.0),
            timesteps,
            steps: steps.unwrap_or(usual),
            guidance,
        }
    }

    /// The settings of a network that reads the guidance scale: diffusers' default for it.
    pub(super) fn with_embedded_guidance(self) -> Self {
        Self { guidance: 8.5, ..self }
    }

    /// The settings under a model's own config, which keeps its sampler if it was written for few steps: with trailing timesteps, for
    /// LCM or TCD, or so that a single step begins with noise alone.
    pub(super) fn under(self, scheduler: &SchedulerConfig) -> Self {
        let Some(own) = scheduler.sampler else { return self };
        let convention = own.info().convention;
        let trails = scheduler.levels.spacing == Some(sd_schedule::Spacing::Trailing) && convention.reads_spacing();
        let process = &scheduler.process;
        let first = convention.levels(process, &scheduler.levels, 1).map(|levels| levels.first());
        let noise = process.sigma((process.timesteps() - 1) as f64);
        let begins_in_noise = self.steps == 1 && first.is_ok_and(|first| first > 0.99 * noise);
        let is_consistency = matches!(own.info().name, "lcm" | "tcd");
        if is_consistency || trails || begins_in_noise {
            let timesteps = match self.timesteps {
                Timesteps::Listed(_) => self.timesteps,
                _ => Timesteps::Own,
            };
            return Self { sampler: None, timesteps, ..self };
        }
        self
    }
}

/// The scale of no guidance.
const OFF: f64 = 1.0;

/// One line: what it is, what told it, and its settings.
impl fmt::Display for FewSteps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { distillation, evidence, sampler, timesteps, steps, guidance, .. } = self;
        write!(f, "made for few steps ({distillation}, by its {evidence}): ")?;
        match sampler {
            Some(sampler) => write!(f, "{sampler}")?,
            None => f.write_str("the config's sampler")?,
        }
        match timesteps {
            Timesteps::Own => {}
            Timesteps::Trailing => f.write_str(", trailing timesteps")?,
            Timesteps::Karras => f.write_str(", Karras levels")?,
            Timesteps::Listed(listed) => {
                let listed: Vec<String> = listed.iter().map(f64::to_string).collect();
                write!(f, ", timesteps {}", listed.join(", "))?;
            }
        }
        write!(f, ", {steps} step{}, ", if *steps == 1 { "" } else { "s" })?;
        if *guidance == OFF { f.write_str("no guidance") } else { write!(f, "guidance {guidance}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(distillation: Distillation, steps: Option<usize>, is_lora: bool) -> String {
        FewSteps::new(distillation, Evidence::Name, steps, is_lora).to_string()
    }

    #[test]
    fn a_line_says_what_is_drawn() {
        let lightning = told(Distillation::Lightning, Some(8), false);
        assert_eq!(
            lightning,
            "made for few steps (Lightning, by its name): euler, trailing timesteps, 8 steps, no guidance"
        );
        assert!(told(Distillation::Hyper, Some(1), false).ends_with("lcm, timesteps 800, 1 step, no guidance"));
        assert!(told(Distillation::TurboMerge, None, false).ends_with("dpm++sde, Karras levels, 6 steps, guidance 2"));
    }

    #[test]
    fn the_lora_of_hyper_sd_for_one_step_jumps_to_the_image() {
        let lora = FewSteps::new(Distillation::Hyper, Evidence::Name, Some(1), true);
        assert_eq!((lora.gamma, lora.timesteps, lora.steps), (Some(1.0), Timesteps::Own, 1));
        assert_eq!(FewSteps::new(Distillation::Hyper, Evidence::Name, Some(2), true).gamma, None);
    }
}
