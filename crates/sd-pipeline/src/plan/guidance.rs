use sd_guidance::GuidanceError;
use sd_unet::FreeU;

use super::Settings;
use super::guidance_options::NOMINAL;
use crate::{Error, Field, GuidanceOptions};

impl Settings {
    /// Checks the guidance scales.
    pub(super) fn check_guidance(&self) -> Result<(), Error> {
        for (field, scale) in [(Field::Guidance, self.guidance), (Field::ImageGuidance, self.image_guidance)] {
            if let Some(scale) = scale.filter(|scale| !scale.value.is_finite()) {
                return Err(Error::request(field, format!("{}: a finite number is needed", scale.value)));
            }
        }
        if self.guidance.is_none() && self.guidance_options != GuidanceOptions::default() {
            return Err(Error::request(Field::Guidance, "is for models that read a text, and this one does not"));
        }
        self.check_embedded()?;
        if let Some(FreeU { b1, b2, s1, s2 }) = self.freeu
            && let Some(factor) = [b1, b2, s1, s2].into_iter().find(|factor| !factor.is_finite())
        {
            return Err(Error::request(Field::FreeU, format!("{factor}: finite numbers are needed")));
        }
        let image = self.image_guidance.map(|image| image.value);
        // Messages name the bound of APG as it was given.
        let guidance = self.guidance_options.with(self.guidance_scale(), image, NOMINAL);
        guidance.check().map_err(|error| match error {
            GuidanceError::Number { field, found, expected } => {
                Error::request(of_option(field), format!("{found}: {expected} is needed"))
            }
            GuidanceError::Interval { from, to } => {
                let reason = format!("{from},{to}: it must begin before it ends, within 0 and 1");
                Error::request(Field::GuidanceInterval, reason)
            }
            GuidanceError::PlusPlusImage => {
                Error::request(Field::CfgPlusPlus, "has no rule for the guidance of an image: leave it out")
            }
            other => Error::request(Field::Guidance, format!(": {other}")),
        })
    }

    /// Refuses what changes the guidance scale from step to step where the network reads one scale itself.
    fn check_embedded(&self) -> Result<(), Error> {
        let options = &self.guidance_options;
        let changes = [
            (Field::GuidanceSchedule, options.schedule.is_some()),
            (Field::GuidanceInterval, (options.interval.from, options.interval.to) != (0.0, 1.0)),
            (Field::CfgPlusPlus, options.plus_plus),
            (Field::PerpNeg, options.perpendicular.is_some()),
        ];
        match changes.into_iter().find(|(_, is_wanted)| self.embeds_guidance && *is_wanted) {
            Some((field, _)) => {
                let reason = "has no effect on this network, which reads the guidance scale itself: leave it out";
                Err(Error::request(field, reason))
            }
            None => Ok(()),
        }
    }

    /// Checks that a network has attention in its middle, if guidance changes that.
    pub(crate) fn check_middle(&self, has_attention: bool) -> Result<(), Error> {
        let options = &self.guidance_options;
        let changing =
            [(Field::Pag, options.pag), (Field::Sag, options.sag)].into_iter().find(|(_, scale)| *scale != 0.0);
        match changing {
            Some((field, _)) if !has_attention => {
                let reason =
                    "changes the attention in the middle of the network, and this one has none there: leave it out";
                Err(Error::request(field, reason))
            }
            _ => Ok(()),
        }
    }

    /// What is requested about guidance besides the scale, with the names that files have for it.
    pub(super) fn guidance_named(&self) -> Vec<(&'static str, String)> {
        let options = &self.guidance_options;
        let number = |value: f64| (value != 0.0).then(|| value.to_string());
        let interval = options.interval;
        let is_partial = (interval.from, interval.to) != (0.0, 1.0);
        let apg = options.apg.map(|apg| {
            let norm = apg.norm.map_or("none".into(), |norm| norm.to_string());
            format!("eta {} norm {norm} momentum {}", apg.eta, apg.momentum)
        });
        let threshold = options.threshold.map(|t| format!("{} mimic {}", t.percentile, t.mimic));
        let freeu = self.freeu.map(|freeu| format!("{} {} {} {}", freeu.b1, freeu.b2, freeu.s1, freeu.s2));
        let named = [
            ("Guidance schedule", options.schedule.as_ref().map(ToString::to_string)),
            ("Guidance interval", is_partial.then(|| format!("{}-{}", interval.from, interval.to))),
            ("CFG++", options.plus_plus.then(|| "true".into())),
            ("CFG rescale", number(options.rescale)),
            ("APG", apg),
            ("PAG scale", number(options.pag)),
            ("SAG scale", number(options.sag)),
            ("Dynamic thresholding", threshold),
            ("Perpendicular negative", options.perpendicular.map(|weight| weight.to_string())),
            ("FreeU", freeu),
        ];
        named.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

/// The field of a number, which may be a part of it.
fn of_option(path: &str) -> Field {
    match path.split_once('.').map_or(path, |(option, _)| option) {
        "schedule" => Field::GuidanceSchedule,
        "rescale" => Field::GuidanceRescale,
        "image" => Field::ImageGuidance,
        "apg" => Field::Apg,
        "pag" => Field::Pag,
        "sag" => Field::Sag,
        "threshold" => Field::DynamicThreshold,
        "perpendicular" => Field::PerpNeg,
        _ => Field::Guidance,
    }
}
