use sd_guidance::is_composed;
use sd_model::Model;
use sd_schedule::NoiseLevels;
use sd_unet::UnetConfig;

use super::{Plan, Settings};
use crate::reuse::Turns;
use crate::{DeepCache, Error, Fast, Field, Reuse, Uneven};

impl Settings {
    /// What is reused, in effect.
    pub fn reuse(&self) -> Reuse {
        self.reuse.or(self.fast.map(Fast::reuse).unwrap_or_default()).effective()
    }

    /// What is requested about reuse, with the names that files have for it.
    pub(super) fn reuse_named(&self) -> Vec<(&'static str, String)> {
        let Reuse { deep_cache, text_gate, guidance_every, merge_tokens } = self.reuse();
        let named = [
            ("Fast", self.fast.map(|fast| fast.to_string())),
            ("Deep cache", deep_cache.map(|cache| cache.to_string())),
            ("Text gate", text_gate.map(|gate| gate.to_string())),
            ("Guidance every", guidance_every.map(|every| every.to_string())),
            ("Token merging ratio", merge_tokens.map(|ratio| ratio.to_string())),
        ];
        named.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// What each call of the network computes; `model` is the plan's.
    pub(crate) fn turns(&self, model: &Model) -> Result<Turns, Error> {
        let visited = NoiseLevels::new(self.sampling.visited().to_vec())?;
        let calls = self.sampling.sampler(model.scheduler())?.calls(&visited);
        let turns = Turns::new(self.reuse(), calls);
        turns.map_err(|error| self.refuse(Field::DeepCache, &format!(": {error}")))
    }

    /// Checks that the numbers make sense, and that the network has what is reused.
    fn check_numbers(&self, model: &Model) -> Result<(), Error> {
        let wrong = |field, found: &dyn ToString, expected: &str| {
            Err(Error::request(field, format!("{}: {expected} is needed", found.to_string())))
        };
        match self.reuse {
            Reuse { deep_cache: Some(cache), .. } if cache.interval == 0 => {
                wrong(Field::DeepCache, &cache, "an interval of at least 1")
            }
            Reuse { deep_cache: Some(cache), .. } if cache.uneven.is_some_and(Uneven::is_even) => {
                wrong(Field::DeepCache, &cache, "a power above 1")
            }
            Reuse { text_gate: Some(gate), .. } if !(gate > 0.0 && gate <= 1.0) => {
                wrong(Field::TextGate, &gate, "a number above 0, up to 1,")
            }
            Reuse { guidance_every: Some(0), .. } => wrong(Field::GuidanceEvery, &0, "at least 1"),
            Reuse { merge_tokens: Some(ratio), .. } if !(0.0..0.75).contains(&ratio) => {
                wrong(Field::MergeTokens, &ratio, "a number from 0 to below 0.75")
            }
            _ => self.check_branch(model),
        }
    }

    fn check_branch(&self, model: &Model) -> Result<(), Error> {
        let connections = model.unet().map_or(0, UnetConfig::skip_connections);
        match self.reuse.deep_cache {
            Some(DeepCache { branch, .. }) if branch >= connections => {
                let reason = format!("names branch {branch}, but this network has those from 0 to {}", connections - 1);
                Err(Error::request(Field::DeepCache, reason))
            }
            _ => Ok(()),
        }
    }

    /// Says that something cannot be reused, and where that comes from.
    fn refuse(&self, field: Field, reason: &str) -> Error {
        match self.fast {
            Some(fast) if !self.reuse.has(field) => {
                Error::request(Field::Fast, format!("{fast}: its `{field}` {reason} (`{field}` 1 does)"))
            }
            _ => Error::request(field, reason.to_string()),
        }
    }
}

impl Reuse {
    /// Whether a field is given.
    fn has(&self, field: Field) -> bool {
        match field {
            Field::DeepCache => self.deep_cache.is_some(),
            Field::TextGate => self.text_gate.is_some(),
            Field::GuidanceEvery => self.guidance_every.is_some(),
            _ => false,
        }
    }
}

impl Plan {
    /// Checks that what is reused makes sense together with everything else.
    pub(super) fn check_reuse(&self, model: &Model) -> Result<(), Error> {
        let (settings, options) = (&self.settings, &self.settings.guidance_options);
        settings.check_numbers(model)?;
        let weights = self.part_weights();
        let has_parts = is_composed(weights) || !settings.regions.is_empty();
        let is_adaptive = settings.sampling.sampler(model.scheduler())?.is_adaptive();
        let is_of_others = options.perpendicular.is_some() || settings.image_guidance.is_some();
        let refused = [
            (Field::DeepCache, is_adaptive, ADAPTIVE),
            (Field::DeepCache, options.sag != 0.0, "leaves out the middle of the network, whose attention `sag` reads"),
            (Field::TextGate, is_adaptive, ADAPTIVE),
            (Field::TextGate, has_parts, ONE_PROMPT),
            (Field::TextGate, is_of_others, "is for guidance by a prompt and a negative prompt alone"),
            (Field::TextGate, options.pag != 0.0, "ends all guidance, which `pag` does not"),
            (Field::TextGate, options.sag != 0.0, "ends all guidance, which `sag` does not"),
            (Field::GuidanceEvery, is_adaptive, ADAPTIVE),
            (Field::GuidanceEvery, has_parts, ONE_PROMPT),
            (Field::GuidanceEvery, options.plus_plus, "repeats what `cfg_plus_plus` changes at each step"),
        ];
        let reuse = settings.reuse();
        match refused.into_iter().find(|(field, is_so, _)| *is_so && reuse.has(*field)) {
            Some((field, _, reason)) => Err(settings.refuse(field, &format!("{reason}: leave it out"))),
            None => settings.turns(model).map(drop),
        }
    }
}

const ADAPTIVE: &str = "leaves out work by the number of the call, and this sampler measures its error in every call";
const ONE_PROMPT: &str = "is for a single prompt, and this one has several parts or a weight";
