use sd_prompt::{Fragment, Part, Phase, Prompt, Text};
use serde_json::{Value, json};

use super::{Plan, Settings};
use crate::{Area, Error, Field, Model, RegionalPrompt, Sizes, Syntax};

/// Checks that the text encoders have so many layers.
pub(crate) fn check_clip_skip(clip_skip: usize, model: &Model) -> Result<(), Error> {
    let layers = model.text_layers().unwrap_or(1);
    if (1..=layers).contains(&clip_skip) {
        return Ok(());
    }
    Err(Error::request(Field::ClipSkip, format!("{clip_skip}: a number from 1 to {layers} is needed")))
}

impl Settings {
    /// Checks what is said about texts and sizes.
    pub(super) fn check_texts(&self, model: &Model) -> Result<(), Error> {
        let Self { clip_skip, sizes, .. } = *self;
        check_clip_skip(clip_skip, model)?;
        if !model.reads_text() && !self.regions.is_empty() {
            return Err(Error::request(Field::Region, "is for models that read a text, and this one does not"));
        }
        // A plan may have been read from a file.
        for region in &self.regions {
            region.resolved(self.width.value, self.height.value)?;
        }
        let Sizes { original, crop, target, negative_original, negative_crop, negative_target } = sizes;
        let given = [
            (Field::OriginalSize, original),
            (Field::Crop, crop),
            (Field::TargetSize, target),
            (Field::NegativeOriginalSize, negative_original),
            (Field::NegativeCrop, negative_crop),
            (Field::NegativeTargetSize, negative_target),
        ];
        match given.into_iter().find(|(_, size)| size.is_some()) {
            Some((field, _)) if !model.is_xl() => {
                Err(Error::request(field, "is for Stable Diffusion XL, and this model is of another family"))
            }
            _ => Ok(()),
        }
    }
}

impl Settings {
    /// How texts are read, where that is not as usual, with the names that files have for it.
    pub(super) fn texts_named(&self) -> Vec<(&'static str, String)> {
        let Sizes { original, crop, target, negative_original, negative_crop, negative_target } = self.sizes;
        let pair = |pair: Option<(usize, usize)>| pair.map(|(x, y)| format!("{x}x{y}"));
        let syntax = (self.prompt_syntax != Syntax::default()).then(|| self.prompt_syntax.to_string());
        let named = [
            ("Prompt syntax", syntax),
            ("Clip skip", (self.clip_skip != 1).then(|| self.clip_skip.to_string())),
            ("Original size", pair(original)),
            ("Crop", pair(crop)),
            ("Target size", pair(target)),
            ("Negative original size", pair(negative_original)),
            ("Negative crop", pair(negative_crop)),
            ("Negative target size", pair(negative_target)),
        ];
        named.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

impl Settings {
    /// The regions as JSON, whose areas are shares of the image: left, top, right, bottom.
    pub(super) fn regions_named(&self) -> Option<String> {
        let region = |region: &RegionalPrompt| {
            let area = match region.area {
                Area::Share { left, top, right, bottom } => json!([left, top, right, bottom]),
                _ => json!("mask"),
            };
            json!({ "prompt": region.prompt, "weight": region.weight, "area": area })
        };
        let regions: Vec<Value> = self.regions.iter().map(region).collect();
        (!regions.is_empty()).then(|| json!(regions).to_string())
    }
}

impl Plan {
    /// What may surprise about the plan, a line each: text that is ignored, and schedules that are never reached.
    pub fn warnings(&self, model: &Model) -> Vec<String> {
        let settings = &self.settings;
        let mut warnings = Vec::new();
        if settings.guidance.is_none() {
            return warnings;
        }
        let prompt = self.prompt.as_deref().unwrap_or_default();
        let negative = settings.negative_prompt.as_deref().unwrap_or_default();
        let regions = settings.regions.iter().map(|region| (Field::Region, region.prompt.as_str()));
        let further: Vec<_> = [(Field::NegativePrompt, negative)].into_iter().chain(regions).collect();
        for (field, text) in [(Field::Prompt, prompt)].iter().chain(&further) {
            if settings.prompt_syntax == Syntax::Plain
                && let Some(cut) = model.cut(text)
            {
                let remedy = "the other values of `prompt_syntax` read all of it";
                warnings.push(format!(
                    "`{field}` is too long for the text encoder; this end is ignored: {cut:?}; {remedy}"
                ));
            }
        }
        let parsed = |text: &str| Prompt::parse_negative(text, settings.prompt_syntax);
        let parsed = further.iter().map(|(field, text)| (*field, parsed(text)));
        for (field, prompt) in [(Field::Prompt, self.parsed())].into_iter().chain(parsed) {
            warnings.extend(settings.never_changes(field, &prompt));
        }
        let made = settings.sampling.whole.len();
        if let Some(schedule) = &settings.guidance_options.schedule
            && schedule.steps() > made
        {
            warnings.push(format!(
                "`guidance_schedule` names {} steps, but only {made} are made: its end is never reached",
                schedule.steps()
            ));
        }
        if let [weight] = self.part_weights()[..]
            && weight != 1.0
        {
            warnings.push(format!(
                "`prompt`: the number after its last colon, {weight}, is a weight of the whole prompt; a comma after it makes it text"
            ));
        }
        let is_read = settings.is_guided() || self.part_weights() != [1.0];
        if settings.negative_prompt.is_some() && !is_read {
            warnings.push("`negative_prompt` has no effect: images are drawn without guidance".into());
        }
        warnings.extend(self.control_warnings());
        warnings
    }
}

impl Settings {
    /// A warning for each schedule of a text that no step reaches.
    fn never_changes(&self, field: Field, prompt: &Prompt) -> Vec<String> {
        let made = self.sampling.whole.len();
        let passes = if self.steps_before > 0 { vec![self.steps_before, made] } else { vec![made] };
        let steps = match passes.iter().sum() {
            1 => "1 step".to_string(),
            steps => format!("{steps} steps"),
        };
        let schedules = prompt.parts.iter().flat_map(|part| part.beyond(&passes));
        let warning = |schedule| format!("`{field}`: {schedule:?} never changes: its number is too high for {steps}");
        schedules.map(warning).collect()
    }

    /// The phases of a prompt's part, of which each holds until a step.
    pub(crate) fn phases(&self, part: &Part) -> Vec<Phase> {
        let steps = self.sampling.whole.len();
        match self.steps_before {
            0 => part.phases(steps),
            before => part.phases_of_second_pass(steps, before),
        }
    }
}

impl Plan {
    /// The prompt, parsed.
    pub(crate) fn parsed(&self) -> Prompt {
        Prompt::parse(self.prompt.as_deref().unwrap_or_default(), self.settings.prompt_syntax)
    }

    /// The words of the prompt, without its syntax.
    pub fn words(&self) -> String {
        let parts = self.parsed().parts;
        let phases = parts.iter().flat_map(|part| self.settings.phases(part));
        let is_plain = self.settings.prompt_syntax == Syntax::Plain;
        let bare = |text: Text| if is_plain { text } else { text.with_bare_embeddings() };
        let fragments = phases.flat_map(|phase| bare(phase.text).fragments);
        let words = fragments.filter_map(|fragment| match fragment {
            Fragment::Words { text, .. } => Some(text),
            Fragment::Break => None,
        });
        words.collect::<Vec<_>>().join(" ")
    }

    /// The weights of the prompt's parts.
    pub(crate) fn part_weights(&self) -> Vec<f64> {
        self.parsed().parts.iter().map(|part| part.weight).collect()
    }
}
