//! The noise process of EDM (Karras et al. 2022) as in diffusers' two schedulers.

use burn::tensor::Device;
use sd_golden::{Kind, TinyModel, data, difference};
use sd_pipeline::{CATALOGUE, DType, Model, Pipeline, Plan, Request};
use serde_json::{Map, Value, json};

/// Gives a model a scheduler of EDM.
fn set_edm(model: &TinyModel, sampler: &str, config: &Map<String, Value>) {
    let class = if sampler == "euler" { "EDMEulerScheduler" } else { "EDMDPMSolverMultistepScheduler" };
    model.change("model_index.json", json!({ "scheduler": ["diffusers", class] }).as_object().unwrap());
    std::fs::write(model.path().join("scheduler/scheduler_config.json"), json!(config).to_string()).unwrap();
}

/// The cases of a kind, each with its model's scheduler set.
fn cases<'a>(kind: &str, model: &'a TinyModel) -> impl Iterator<Item = Value> + 'a {
    let text = std::fs::read_to_string(data().join("edm/cases.json")).unwrap();
    let cases = serde_json::from_str::<Value>(&text).unwrap()[kind].as_array().unwrap().clone();
    cases.into_iter().inspect(|case| {
        set_edm(model, case["sampler"].as_str().unwrap(), case["config"].as_object().unwrap());
    })
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn pipeline(model: &TinyModel) -> Pipeline {
    Pipeline::open(model.path(), &Device::flex(), DType::F32).unwrap()
}

fn assert_close(found: &[u8], file: &str) {
    let (mean, max) = difference(found, &data().join(format!("edm/{file}.png")));
    assert!(mean <= 0.05 && max <= 2, "{file}: mean {mean:.3}, largest {max}");
}

/// diffusers computes in single precision.
#[test]
fn levels_times_and_the_first_noise_are_those_of_diffusers() {
    let model = TinyModel::new(Kind::Sd1);
    for case in cases("levels", &model) {
        let model = Model::open(model.path()).unwrap();
        let steps = Some(case["steps"].as_u64().unwrap() as usize);
        let plan = Plan::new(&model, &Request { steps, ..Request::new("") }).unwrap();
        let sampling = &plan.settings.sampling;
        assert_eq!(sampling.sampler.value.to_string(), case["sampler"].as_str().unwrap());
        let (found, expected) = (sampling.levels.value.sigmas(), numbers(&case["sigmas"]));
        assert_eq!(found.len(), expected.len(), "{case}");
        for ((sigma, expected), time) in found.iter().zip(&expected).zip(numbers(&case["times"])) {
            assert!((sigma - expected).abs() <= 2e-6 * expected, "{sigma} {expected} in {case}");
            let found = model.scheduler().process.preconditioning(*sigma, sampling.whole_timesteps).t;
            assert!((found - time).abs() < 1e-6, "{found} {time} in {case}");
        }
        assert!((sampling.start_std / case["start"].as_f64().unwrap() - 1.0).abs() < 1e-6, "{case}");
    }
}

#[test]
fn images_of_a_model_with_a_text_are_those_of_diffusers() {
    let model = TinyModel::new(Kind::Sd1);
    for case in cases("images", &model) {
        let request = Request {
            negative_prompt: Some("blurry".into()),
            width: Some(64),
            height: Some(64),
            steps: Some(8),
            guidance: Some(7.5),
            seed: 42,
            ..Request::new("a red house by the sea")
        };
        assert_close(&pipeline(&model).draw(&request).unwrap().image.rgb, case["file"].as_str().unwrap());
    }
}

#[test]
fn images_of_a_model_in_pixels_are_those_of_diffusers() {
    let model = TinyModel::ddpm();
    set_edm(&model, "euler", &Map::new());
    let request = Request { steps: Some(8), seed: 42, ..Request::default() };
    assert_close(&pipeline(&model).draw(&request).unwrap().image.rgb, "pixels");
}

/// Every sampler has levels of its own to visit, and the schedules that need no timesteps have others.
#[test]
fn every_sampler_is_planned_and_schedules_of_timesteps_are_refused() {
    let model = TinyModel::new(Kind::Sd1);
    set_edm(&model, "euler", &Map::new());
    let model = Model::open(model.path()).unwrap();
    let plan = |sampler: &str, schedule: Option<&str>| {
        let (sampler, schedule) = (Some(sampler.parse().unwrap()), schedule.map(|name| name.parse().unwrap()));
        Plan::new(&model, &Request { sampler, schedule, steps: Some(6), ..Request::new("") })
    };
    for info in CATALOGUE {
        let levels = plan(info.name, None).unwrap().settings.sampling.levels.value;
        assert_eq!((levels.first(), levels.last(), levels.steps()), (80.0, 0.0, 6), "{}", info.name);
    }
    for schedule in ["karras", "exponential", "kl_optimal", "beta-sigmas", "sigmas:80,20,3,1,0.5,0.1,0"] {
        let first = plan("heun", Some(schedule)).unwrap().settings.sampling.levels.value.first();
        assert!((first - 80.0).abs() < 1e-9, "{schedule}: {first}");
    }
    for schedule in ["leading", "trailing", "simple", "ays", "timesteps:900,700,500,300,100,1"] {
        let error = plan("heun", Some(schedule)).unwrap_err().to_string();
        assert!(error.contains("is for models with timesteps") && error.contains("karras"), "{error}");
    }
}
