use std::fmt::{self, Display, Formatter};

use super::{Origin, Plan, Resolved, Settings};

/// A line for each value, with where it came from.
impl Display for Plan {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Settings { negative_prompt, width, height, guidance, sampling, .. } = &self.settings;
        if let Some(prompt) = &self.prompt {
            line(f, "prompt", &format_args!("{prompt:?}"))?;
        }
        if let Some(negative) = negative_prompt {
            line(f, "negative prompt", &format_args!("{negative:?}"))?;
        }
        resolved(f, "width", width)?;
        resolved(f, "height", height)?;
        line(f, "latents", &format_args!("{:?}", self.settings.latent_shape))?;
        resolved(f, "sampler", &sampling.sampler)?;
        for option in &sampling.options {
            with_origin(f, &format!("  {}", option.option), &option.value, option.origin)?;
        }
        resolved(f, "steps", &sampling.steps)?;
        let levels = &sampling.levels;
        let sigmas = levels.value.sigmas();
        let range = format!("{} from {:.4} to {:.4}", sigmas.len(), levels.value.first(), levels.value.last());
        with_origin(f, "noise levels", &range, levels.origin)?;
        line(f, "timesteps", &if sampling.whole_timesteps { "whole" } else { "whole and in between" })?;
        if let Some(guidance) = guidance {
            resolved(f, "guidance", guidance)?;
        }
        let source = if self.latents.is_some() { "given latents" } else { "noise of the seed" };
        line(f, "start", &format_args!("{source}, times {:.4}", sampling.start_std))?;
        line(f, "seed", &self.seed)
    }
}

fn line(f: &mut Formatter<'_>, name: &str, value: &dyn Display) -> fmt::Result {
    writeln!(f, "{name:<15}  {value}")
}

fn resolved<T: Display>(f: &mut Formatter<'_>, name: &str, value: &Resolved<T>) -> fmt::Result {
    with_origin(f, name, &value.value, value.origin)
}

fn with_origin(f: &mut Formatter<'_>, name: &str, value: &dyn Display, origin: Origin) -> fmt::Result {
    line(f, name, &format_args!("{value}  ({origin})"))
}
