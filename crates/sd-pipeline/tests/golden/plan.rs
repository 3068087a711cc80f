//! A request is resolved once, and a plan says where each value came from.

use sd_golden::{Kind, TinyModel};
use sd_pipeline::{
    Convention, Defaults, Error, Latents, Model, Noise, OptionValue, Origin, Pipeline, Plan, Request, SamplerOption,
    Schedule, Settings,
};
use sd_samplers::Sampler;
use serde_json::{Value, json};

use crate::pipeline;

fn open(kind: Kind) -> Model {
    Model::open(TinyModel::new(kind).path()).unwrap()
}

fn json_of(plan: &Plan) -> String {
    serde_json::to_string(plan).unwrap()
}

fn draw(pipeline: &Pipeline, plan: &Plan) -> Vec<u8> {
    pipeline.drawing(plan).run().unwrap().image.rgb
}

#[test]
fn what_a_request_leaves_open_is_the_models_or_the_default() {
    let Plan { prompt, seed, latents, settings, .. } = Plan::new(&open(Kind::Sd1), &Request::new("a house")).unwrap();
    assert_eq!((prompt.as_deref(), seed, latents), (Some("a house"), 0, None));
    let Settings { negative_prompt, width, height, latent_shape, guidance, sampling, .. } = settings;
    assert_eq!((negative_prompt, latent_shape), (None, [1, 4, 8, 8]));
    assert_eq!([(width.value, width.origin), (height.value, height.origin)], [(64, Origin::Config); 2]);
    let guidance = guidance.unwrap();
    assert_eq!((guidance.value, guidance.origin), (7.5, Origin::Default));
    let (sampler, steps, levels) = (sampling.sampler, sampling.steps, sampling.levels);
    assert_eq!((sampler.value.to_string().as_str(), sampler.origin), ("plms", Origin::Config));
    assert_eq!((steps.value, steps.origin), (50, Origin::Default));
    // The config names a class and leaves the spacing to it.
    assert_eq!((levels.value.steps(), levels.origin), (50, Origin::Class(Convention::Pndm)));
    assert!((sampling.start_std - levels.value.first().hypot(1.0)).abs() < 1e-12);
    assert_eq!((sampling.options, sampling.schedule, sampling.whole_timesteps), (Vec::new(), None, false));
    let xl = Plan::new(&open(Kind::Sdxl), &Request::new("")).unwrap().settings.guidance.unwrap();
    assert_eq!((xl.value, xl.origin), (5.0, Origin::Default));
}

#[test]
fn requested_values_are_planned_as_requested() {
    let request = Request {
        negative_prompt: Some("dull".into()),
        width: Some(32),
        height: Some(40),
        sampler: Some("unipc".parse().unwrap()),
        options: vec![(SamplerOption::Order, 3.0), (SamplerOption::Order, 1.0)],
        schedule: Some("karras".parse().unwrap()),
        steps: Some(6),
        guidance: Some(1.0),
        seed: 9,
        ..Request::new("a house")
    };
    let Plan { settings, seed, .. } = Plan::new(&open(Kind::Sd1), &request).unwrap();
    assert_eq!((seed, settings.negative_prompt.as_deref(), settings.is_guided()), (9, Some("dull"), false));
    assert_eq!(settings.latent_shape, [1, 4, 5, 4]);
    let sampling = settings.sampling;
    let origins = [settings.width.origin, sampling.sampler.origin, sampling.steps.origin, sampling.levels.origin];
    assert_eq!(origins, [Origin::Request; 4]);
    let order = OptionValue { option: SamplerOption::Order, value: 1.0, origin: Origin::Request };
    assert_eq!(sampling.options, [order], "the last value counts");
    assert!(sampling.whole_timesteps);
    assert_eq!((sampling.levels.value.steps(), sampling.levels.value.last()), (6, 0.0));
}

#[test]
fn options_missing_in_request_and_config_have_the_samplers_defaults() {
    let plan = |sampler: &str| {
        let request = Request { sampler: Some(sampler.parse().unwrap()), ..Request::new("") };
        Plan::new(&open(Kind::Sd1), &request).unwrap().settings.sampling.options
    };
    let ddim = OptionValue { option: SamplerOption::Eta, value: 0.0, origin: Origin::Sampler };
    assert_eq!(plan("ddim"), [ddim]);
    assert!(plan("euler").iter().any(|option| option.value == f64::INFINITY));
}

#[test]
fn a_listed_schedule_determines_the_number_of_steps() {
    let request = Request { schedule: Some("sigmas:14,3,0.5,0".parse().unwrap()), ..Request::new("") };
    let sampling = Plan::new(&open(Kind::Sd1), &request).unwrap().settings.sampling;
    assert_eq!((sampling.steps.value, sampling.steps.origin), (3, Origin::Request));
    assert_eq!(sampling.levels.value.sigmas(), [14.0, 3.0, 0.5, 0.0]);
}

#[test]
fn a_model_may_have_its_own_defaults_which_a_request_overrides() {
    let model = open(Kind::Sd1).with_defaults(Defaults { steps: Some(7), guidance: Some(3.0) });
    let settings = |request| Plan::new(&model, &request).unwrap().settings;
    let own = settings(Request::new(""));
    assert_eq!((own.sampling.steps.value, own.sampling.steps.origin), (7, Origin::Model));
    assert_eq!((own.guidance.unwrap().value, own.guidance.unwrap().origin), (3.0, Origin::Model));
    let requested = settings(Request { steps: Some(4), guidance: Some(2.0), ..Request::new("") });
    assert_eq!((requested.sampling.steps.value, requested.guidance.unwrap().value), (4, 2.0));
    let listed = settings(Request { schedule: Some("timesteps:999,500".parse().unwrap()), ..Request::new("") });
    assert_eq!(listed.sampling.steps.value, 2);
}

#[test]
fn a_model_in_pixels_is_drawn_in_all_its_timesteps_without_guidance_and_clipped() {
    let Plan { prompt, settings, .. } =
        Plan::new(&Model::open(TinyModel::ddpm().path()).unwrap(), &Request::default()).unwrap();
    assert_eq!((prompt, settings.guidance, settings.is_guided()), (None, None, false));
    let sampling = settings.sampling;
    assert_eq!((sampling.steps.value, sampling.steps.origin), (1000, Origin::Config));
    assert_eq!((settings.latent_shape, sampling.clip), ([1, 3, 32, 32], Some(1.0)));
}

#[test]
fn a_plan_stored_as_json_draws_the_same_bytes() {
    let pipeline = pipeline(Kind::Sd1);
    for sampler in ["plms", "euler", "dpm++2m-sde", "ddpm"] {
        let request = Request {
            sampler: Some(sampler.parse().unwrap()),
            steps: Some(4),
            width: Some(32),
            height: Some(32),
            seed: u64::MAX,
            ..Request::new("a red \"house\"\nby the sea")
        };
        let plan = pipeline.plan(&request).unwrap();
        let read: Plan = serde_json::from_str(&json_of(&plan)).unwrap();
        // Equality compares values only; the text also shows where they came from.
        assert_eq!((&read, json_of(&read)), (&plan, json_of(&plan)), "{sampler}");
        let expected = pipeline.draw(&request).unwrap().image.rgb;
        assert!(draw(&pipeline, &read) == expected && draw(&pipeline, &plan) == expected, "{sampler}");
    }
}

#[test]
fn a_request_comes_back_from_json_and_may_leave_fields_out() {
    let request = Request {
        sampler: Some("euler".parse().unwrap()),
        options: vec![(SamplerOption::STmax, f64::INFINITY), (SamplerOption::SChurn, 0.1)],
        schedule: Some("karras:5.5".parse().unwrap()),
        latents: Some(Latents { values: vec![0.1, -3.5e-9], shape: [1, 1, 1, 2] }),
        guidance: Some(0.1 + 0.2),
        ..Request::new("a house")
    };
    let json = serde_json::to_value(&request).unwrap();
    assert_eq!(json["options"], json!([["s-tmax", "inf"], ["s-churn", 0.1]]));
    assert_eq!((&json["sampler"], &json["schedule"]), (&json!("euler"), &json!("karras:5.5")));
    assert_eq!(serde_json::from_str::<Request>(&json.to_string()).unwrap(), request);
    let short: Request = serde_json::from_str(r#"{"prompt": "a cat", "steps": 3}"#).unwrap();
    assert_eq!(short, Request { steps: Some(3), ..Request::new("a cat") });
    for wrong in [r#"{"promt": "a cat"}"#, r#"{"sampler": "eular"}"#, r#"{"schedule": "karras:x"}"#] {
        assert!(serde_json::from_str::<Request>(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn every_schedule_is_read_back_as_written() {
    let own = [
        "karras:5",
        "polyexponential:0.5",
        "ays-sd1",
        "ays-sdxl",
        "timesteps:999,0.5",
        "sigmas:14.6,0.1,0",
        "multistep:14.6,0.1,0;1;-0.5,1.5",
    ];
    for text in Schedule::NAMED.iter().map(|(name, _)| *name).chain(own) {
        assert_eq!(text.parse::<Schedule>().unwrap().to_string(), text);
    }
}

#[test]
fn a_plan_of_another_model_or_a_damaged_one_is_refused() {
    let (pipeline, pixels) = (pipeline(Kind::Sd1), Model::open(TinyModel::ddpm().path()).unwrap());
    let refused = |plan: &Plan| match pipeline.drawing(plan).run() {
        Err(Error::Request(error)) => error.to_string(),
        other => panic!("{other:?}"),
    };
    let of_pixels = Plan::new(&pixels, &Request { steps: Some(2), ..Request::default() }).unwrap();
    assert!(refused(&of_pixels).contains("of another model"));
    let plan = pipeline.plan(&Request { steps: Some(5), ..Request::new("a house") }).unwrap();
    let mut odd = plan.clone();
    odd.settings.width.value = 63;
    assert!(refused(&odd).contains("of another model"));
    let mut short = plan.clone();
    short.latents = Some(Latents { values: vec![0.0; 3], shape: [1, 4, 8, 8] });
    assert_eq!(refused(&short), "`latents` of 3 values, but [1, 4, 8, 8] are 256");
    let mut unguided = plan.clone();
    unguided.settings.guidance.as_mut().unwrap().value = f64::NAN;
    assert!(refused(&unguided).contains("a finite number"));
    let mut value: Value = serde_json::from_str(&json_of(&plan)).unwrap();
    value["settings"]["sampling"]["levels"]["value"] = json!([1.0, 2.0]);
    assert!(serde_json::from_value::<Plan>(value).is_err(), "levels that rise");
}

#[test]
fn a_batch_is_planned_once_and_each_image_has_its_own_prompt_and_seed() {
    let pipeline = pipeline(Kind::Sd1);
    let request = Request { steps: Some(3), width: Some(32), height: Some(32), ..Request::new("a red house") };
    let first = pipeline.plan(&request).unwrap();
    let mut second = first.clone();
    (second.prompt, second.seed) = (Some("a boat".into()), 5);
    let drawn = pipeline.drawings(&[first.clone(), second.clone()]).run_all().unwrap();
    for (plan, drawn) in [&first, &second].into_iter().zip(&drawn) {
        let alone = draw(&pipeline, plan);
        let apart = alone.iter().zip(&drawn.image.rgb).map(|(a, b)| a.abs_diff(*b)).max();
        // Sums in single precision may be in another order.
        assert!(apart <= Some(1), "{apart:?}");
    }
    // A requested value may equal the default.
    let requested = pipeline.plan(&Request { guidance: Some(7.5), ..request }).unwrap();
    assert!(pipeline.drawings(&[first, requested]).run_all().is_ok());
}

#[test]
fn a_plan_shows_each_value_and_where_it_came_from() {
    let request =
        Request { steps: Some(5), sampler: Some("ddim".parse().unwrap()), seed: 3, ..Request::new("a house") };
    let text = Plan::new(&open(Kind::Sd1), &request).unwrap().to_string();
    let expected = [
        "prompt           \"a house\"",
        "width            64  (from the model's config)",
        "latents          [1, 4, 8, 8]",
        "sampler          ddim  (as requested)",
        "  eta            0  (the sampler's default)",
        "steps            5  (as requested)",
        "guidance         7.5  (default)",
        "seed             3",
    ];
    for line in expected {
        assert!(text.lines().any(|found| found == line), "{line}\n\n{text}");
    }
    let levels = text.lines().find(|line| line.starts_with("noise levels")).unwrap();
    assert!(levels.ends_with("(the default of diffusers' DDIMScheduler)"), "{levels}");
}

#[test]
fn types_that_a_server_passes_between_threads_are_send() {
    fn assert_send<T: Send>() {}
    assert_send::<Model>();
    assert_send::<Pipeline>();
    assert_send::<Plan>();
    assert_send::<Request>();
    assert_send::<Box<dyn Noise>>();
    assert_send::<Error>();
    assert_send::<Box<dyn Sampler>>();
    let request = Request { steps: Some(1), width: Some(32), height: Some(32), ..Request::new("a house") };
    let pipeline = pipeline(Kind::Sd1);
    let here = pipeline.draw(&request).unwrap().image;
    let there = std::thread::spawn(move || pipeline.draw(&request).unwrap().image);
    assert_eq!(there.join().unwrap(), here);
}
