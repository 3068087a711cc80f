use std::str::FromStr;

use sd_engine::{Job, NamedLora};

use super::fields::{Fields, wrong};
use super::size::size;
use crate::api_error::ApiError;

/// The job of a request's fields, apart from its prompt and its images: OpenAI's, and ours, whose names are none of OpenAI's.
///
/// Without a seed, the job has a random one.
pub fn job(fields: &Fields) -> Result<Job, ApiError> {
    let mut job = Job {
        model: fields.text("model")?.filter(|name| !is_openais(name)).map(str::to_string),
        vae: fields.text("vae")?.map(str::to_string),
        count: fields.whole("n", 1..=i64::MAX)?.unwrap_or(1) as u64,
        loras: fields
            .parsed::<Vec<NamedLora>>("loras", "a list as in [{\"name\": \"ink\", \"weight\": 0.8}]")?
            .unwrap_or_default(),
        ..Job::default()
    };
    let request = &mut job.request;
    request.negative_prompt = fields.text("negative_prompt")?.map(str::to_string);
    (request.width, request.height) = size(fields)?.unzip();
    request.seed = match fields.whole("seed", -1..=i64::MAX)? {
        Some(seed) if seed >= 0 => seed as u64,
        _ => random_seed(),
    };
    let whole = |name| fields.whole(name, 1..=i64::MAX).map(|number| number.map(|number| number as usize));
    request.steps = whole("steps")?;
    request.clip_skip = whole("clip_skip")?;
    let guidance = |name| fields.number(name, f64::MIN..=f64::MAX);
    request.guidance = guidance("guidance")?.or(guidance("cfg_scale")?);
    request.sampler = named(fields, "sampler")?;
    request.schedule = named(fields, "schedule")?;
    request.strength = fields.number("strength", 0.0..=1.0)?;
    Ok(job)
}

/// A value that is parsed from its name.
fn named<T: FromStr<Err: std::fmt::Display>>(fields: &Fields, name: &str) -> Result<Option<T>, ApiError> {
    fields.text(name)?.map(|text| text.parse().map_err(|error: T::Err| wrong(name, error.to_string()))).transpose()
}

/// Whether a model is one of OpenAI's. Many programs cannot be told another name, so these stand for the default model.
fn is_openais(name: &str) -> bool {
    ["dall-e-", "gpt-image-", "chatgpt-image-"].into_iter().any(|start| name.starts_with(start))
}

/// A seed of 32 bits, so that every program can write it down.
fn random_seed() -> u64 {
    u64::from(getrandom::u32().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::json;
    use super::*;

    fn of(text: &str) -> Result<Job, ApiError> {
        job(&json(text))
    }

    #[test]
    fn our_fields_stand_beside_openais() {
        let job = of(
            r#"{ "model": "sd15", "n": 2, "size": "512x768", "user": "u", "moderation": "low", "unknown": [{}], "seed": 7, "steps": 12,
                 "guidance": 4.5, "negative_prompt": "blurry", "sampler": "euler", "schedule": "karras", "clip_skip": 2, "vae": "mse",
                 "loras": [{ "name": "ink", "weight": 0.5 }, { "name": "pen" }] }"#,
        )
        .unwrap();
        assert_eq!((job.model.as_deref(), job.vae.as_deref(), job.count), (Some("sd15"), Some("mse"), 2));
        let loras: Vec<(&str, f64)> = job.loras.iter().map(|lora| (lora.name.as_str(), lora.weight)).collect();
        assert_eq!(loras, [("ink", 0.5), ("pen", 1.0)]);
        let request = job.request;
        assert_eq!((request.width, request.height, request.seed, request.steps), (Some(512), Some(768), 7, Some(12)));
        assert_eq!((request.guidance, request.clip_skip), (Some(4.5), Some(2)));
        assert_eq!(request.negative_prompt.as_deref(), Some("blurry"));
        assert_eq!(request.sampler.map(|sampler| sampler.to_string()).as_deref(), Some("euler"));
        assert_eq!(request.schedule.map(|schedule| schedule.to_string()).as_deref(), Some("karras"));
    }

    #[test]
    fn guidance_has_the_name_of_other_programs_too() {
        assert_eq!(of(r#"{ "cfg_scale": 3 }"#).unwrap().request.guidance, Some(3.0));
        assert_eq!(of(r#"{ "cfg_scale": 3, "guidance": 4 }"#).unwrap().request.guidance, Some(4.0));
    }

    #[test]
    fn names_of_openais_models_are_the_default_model() {
        for name in ["dall-e-2", "gpt-image-1.5", "chatgpt-image-latest"] {
            assert_eq!(of(&format!("{{ \"model\": \"{name}\" }}")).unwrap().model, None);
        }
    }

    #[test]
    fn without_a_seed_there_is_a_new_one_each_time() {
        let seed = |json| of(json).unwrap().request.seed;
        let seeds = ["{}", "{}", r#"{ "seed": -1 }"#, r#"{ "seed": null }"#].map(seed);
        assert!(seeds.iter().any(|seed| *seed != seeds[0]), "{seeds:?}");
    }

    #[test]
    fn wrong_values_name_their_field() {
        for (json, field) in [
            (r#"{ "n": 0 }"#, "n"),
            (r#"{ "n": 1.5 }"#, "n"),
            (r#"{ "n": 99999999999999999999 }"#, "n"),
            (r#"{ "seed": -2 }"#, "seed"),
            (r#"{ "steps": "many" }"#, "steps"),
            (r#"{ "sampler": "best" }"#, "sampler"),
            (r#"{ "schedule": "sigmas:1,two" }"#, "schedule"),
            (r#"{ "strength": 1.5 }"#, "strength"),
            (r#"{ "loras": ["ink"] }"#, "loras"),
            (r#"{ "loras": "not JSON" }"#, "loras"),
            (r#"{ "model": 5 }"#, "model"),
        ] {
            assert_eq!(of(json).unwrap_err().field.as_deref(), Some(field), "{json}");
        }
    }
}
