//! Samplers and schedules, by AUTOMATIC1111's names.

use axum::Json;
use sd_metadata::{sampler_label, sampling, schedule_label, schedule_name};
use sd_pipeline::{CATALOGUE, SamplerName, Schedule};
use serde_json::{Value, json};

/// The schedule that is the sampler's own.
const AUTOMATIC: &str = "Automatic";

/// The first samplers of the list: clients take the first one if nobody chooses.
const FIRST: [&str; 6] = ["dpm++2m", "euler-a", "euler", "ddim", "unipc", "heun"];

/// What a request names; what it does not is left to the model.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Sampling {
    /// The sampler.
    pub sampler: Option<SamplerName>,
    /// The noise levels, if they are not the sampler's own.
    pub schedule: Option<Schedule>,
}

/// Finds a sampler and a schedule.
///
/// # Errors
///
/// A line about a name that is not known.
pub(super) fn find(sampler: Option<&str>, schedule: Option<&str>) -> Result<Sampling, String> {
    let schedule = schedule.filter(|name| !name.eq_ignore_ascii_case(AUTOMATIC));
    let (sampler, schedule) = match sampler {
        // With a sampler, no schedule is the automatic one.
        Some(label) => {
            let (name, schedule) = sampling(label, Some(schedule.unwrap_or(AUTOMATIC)));
            let unknown = || format!("Sampler not found: {label:?}; there are {}", labels().join(", "));
            (Some(name.parse::<SamplerName>().map_err(|_| unknown())?), schedule)
        }
        None => (None, schedule.map(|label| schedule_name(label).unwrap_or(label).to_owned())),
    };
    let schedule = match schedule {
        Some(name) => Some(name.parse::<Schedule>().map_err(|error| format!("Scheduler not found: {error}"))?),
        None => None,
    };
    Ok(Sampling { sampler, schedule })
}

fn labels() -> Vec<&'static str> {
    CATALOGUE.iter().map(|info| sampler_label(info.name)).collect()
}

/// All samplers.
pub(super) async fn list() -> Json<Value> {
    let sampler = |name: &str| json!({ "name": sampler_label(name), "aliases": [name], "options": {} });
    let others = CATALOGUE.iter().map(|info| info.name).filter(|name| !FIRST.contains(name));
    Json(FIRST.into_iter().chain(others).map(sampler).collect())
}

/// All schedules.
pub(super) async fn list_schedules() -> Json<Value> {
    let schedule = |label: &str| {
        json!({
            "name": label.to_lowercase().replace(' ', "_"),
            "label": label,
            "aliases": null,
            "default_rho": null,
            "need_inner_model": false,
        })
    };
    let labels = Schedule::NAMED.map(|(name, _)| schedule_label(name));
    Json([AUTOMATIC].into_iter().chain(labels).map(schedule).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_samplers_name_may_carry_the_schedule() {
        let karras = find(Some("DPM++ 2M"), Some("Karras")).unwrap();
        assert_eq!(find(Some("DPM++ 2M Karras"), None).unwrap(), karras);
        assert_eq!(find(Some("DPM++ 2M Karras"), Some("automatic")).unwrap(), karras);
        assert_eq!(find(Some("k_dpmpp_2m"), None).unwrap(), karras, "its automatic schedule");
        assert_eq!(karras.sampler.unwrap().to_string(), "dpm++2m");
        assert_eq!(karras.schedule.unwrap().to_string(), "karras");
        let euler = find(Some("Euler"), Some("Automatic")).unwrap();
        assert_eq!((euler.sampler.unwrap().to_string(), euler.schedule), ("euler".into(), None));
        assert_eq!(find(None, Some("automatic")).unwrap(), Sampling::default());
        assert!(find(Some("Eulerian"), None).unwrap_err().contains("Euler a"));
        assert!(find(Some("Euler"), Some("Wavy")).unwrap_err().starts_with("Scheduler not found"));
    }

    #[tokio::test]
    async fn every_name_in_the_lists_is_understood() {
        let (samplers, schedules) = (list().await.0, list_schedules().await.0);
        assert_eq!(samplers.as_array().unwrap().len(), CATALOGUE.len());
        for sampler in samplers.as_array().unwrap() {
            assert!(find(sampler["name"].as_str(), None).unwrap().sampler.is_some(), "{sampler}");
        }
        for schedule in schedules.as_array().unwrap() {
            for name in ["name", "label"] {
                let found = find(None, schedule[name].as_str()).unwrap().schedule;
                assert_eq!(found.is_none(), schedule["label"] == AUTOMATIC, "{schedule}");
            }
        }
    }
}
