use std::fmt::{self, Display, Formatter};

use super::{Origin, Plan, Resolved, Settings};
use crate::edit::{Init, Seamless, Variation};

/// A line for each value, with where it came from.
impl Display for Plan {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Settings { negative_prompt, width, height, guidance, image_guidance, strength, sampling, .. } =
            &self.settings;
        if let Some(prompt) = &self.prompt {
            line(f, "prompt", &format_args!("{prompt:?}"))?;
        }
        if let Some(negative) = negative_prompt {
            line(f, "negative prompt", &format_args!("{negative:?}"))?;
        }
        for (name, value) in self.settings.texts_named() {
            line(f, &name.to_lowercase(), &value)?;
        }
        for region in &self.settings.regions {
            line(f, "region", &format_args!("{:?}, weight {}", region.prompt, region.weight))?;
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
        if let Some(strength) = strength {
            resolved(f, "strength", strength)?;
        }
        if sampling.made != (0..levels.value.steps()) {
            let visited = sampling.visited();
            let (from, to) = (visited[0], visited[visited.len() - 1]);
            line(f, "made", &format_args!("{} steps, from {from:.4} to {to:.4}", sampling.made.len()))?;
        }
        line(f, "timesteps", &if sampling.whole_timesteps { "whole" } else { "whole and in between" })?;
        if let Some(guidance) = guidance {
            resolved(f, "guidance", guidance)?;
        }
        if let Some(guidance) = image_guidance {
            resolved(f, "image guidance", guidance)?;
        }
        for (name, value) in self.settings.guidance_named() {
            line(f, &name.to_lowercase(), &value)?;
        }
        for (name, value) in self.settings.reuse_named() {
            line(f, &name.to_lowercase(), &value)?;
        }
        for (name, value) in self.settings.control_named() {
            line(f, &name.to_lowercase(), &value)?;
        }
        if self.settings.seamless != Seamless::No {
            line(f, "seamless", &format_args!("{:?}", self.settings.seamless))?;
        }
        if self.settings.vae_tiling {
            line(f, "autoencoder", &"in bands of rows")?;
        }
        let noise = if self.latents.is_some() { "given latents" } else { "noise of the seed" };
        match (&self.init, &self.mask) {
            (None, _) => line(f, "start", &format_args!("{noise}, times {:.4}", sampling.start_std))?,
            (Some(Init::Image(_)), None) => line(f, "start", &format_args!("an image, with {noise}"))?,
            (Some(Init::Image(_)), Some(_)) => line(f, "start", &format_args!("an image with a mask, with {noise}"))?,
            (Some(Init::Latents(_)), _) => line(f, "start", &format_args!("finished latents, with {noise}"))?,
            (Some(Init::Unfinished(_)), _) => line(f, "start", &"unfinished latents")?,
        }
        line(f, "seed", &self.seed)?;
        match self.variation {
            Some(Variation { seed, strength }) => line(f, "variation", &format_args!("{strength} of seed {seed}")),
            None => Ok(()),
        }
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
