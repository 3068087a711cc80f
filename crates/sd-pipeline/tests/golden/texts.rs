//! Prompts and guidance that must change nothing, to the bit.

use sd_golden::Kind;
use sd_pipeline::{GuidanceOptions, Interval, Pipeline, Request, Syntax};

use crate::pipeline;

fn request(prompt: &str) -> Request {
    let (steps, size) = (Some(4), Some(32));
    Request { steps, width: size, height: size, negative_prompt: Some("blurry".into()), ..Request::new(prompt) }
}

fn latents(pipeline: &Pipeline, request: &Request) -> Vec<f32> {
    pipeline.draw(request).unwrap().latents.values
}

#[test]
fn weight_1_a_single_part_and_schedules_that_have_switched_change_no_bit() {
    for kind in [Kind::Sd1, Kind::Sdxl] {
        let pipeline = pipeline(kind);
        let plain = latents(&pipeline, &request("a red house"));
        for same in ["a (red:1) house", "a [red::9] house", "a [blue:red:-1] house", "a red house AND a cat:0"] {
            let found = latents(&pipeline, &request(same));
            // A part of weight 0 is another sum of the same values.
            match same.contains("AND") {
                true => assert!(found.iter().zip(&plain).all(|(a, b)| (a - b).abs() < 1e-3), "{same}"),
                false => assert_eq!(found, plain, "{same}"),
            }
        }
        assert_ne!(latents(&pipeline, &request("a (red:1.3) house")), plain);
    }
}

#[test]
fn a_prompt_without_syntax_draws_the_same_image_in_every_syntax() {
    for kind in Kind::ALL {
        let pipeline = pipeline(kind);
        let [a1111, comfy, plain] = Syntax::ALL.map(|prompt_syntax| {
            latents(&pipeline, &Request { prompt_syntax, ..request("two blue boats by the sea") })
        });
        assert!(a1111 == plain && comfy == plain, "{}", kind.name());
    }
}

#[test]
fn guidance_at_all_steps_is_plain_guidance_and_at_none_is_the_prompt_alone() {
    let pipeline = pipeline(Kind::Sd1);
    let with = |guidance, from, to| {
        let guidance_options = GuidanceOptions { interval: Interval { from, to }, ..GuidanceOptions::default() };
        latents(&pipeline, &Request { guidance: Some(guidance), guidance_options, ..request("a red house") })
    };
    assert_eq!(with(5.0, 0.0, 1.0), latents(&pipeline, &Request { guidance: Some(5.0), ..request("a red house") }));
    // No step of 4 begins between these.
    assert_eq!(with(5.0, 0.3, 0.4), with(1.0, 0.0, 1.0));
}

#[test]
fn a_region_of_the_whole_image_is_its_prompt() {
    use sd_pipeline::{Area, RegionalPrompt};
    let pipeline = pipeline(Kind::Sd1);
    let whole = Area::Share { left: 0.0, top: 0.0, right: 1.0, bottom: 1.0 };
    let regional = Request { regions: vec![RegionalPrompt::new("a cat", whole)], ..request("a red house") };
    let (found, expected) = (latents(&pipeline, &regional), latents(&pipeline, &request("a cat")));
    assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-3));
}

#[test]
fn what_may_surprise_about_a_prompt_is_said() {
    let pipeline = pipeline(Kind::Sd1);
    let warnings = |request: &Request| pipeline.plan(request).unwrap().warnings(pipeline.model());
    let plain = request("a red house");
    assert!(warnings(&plain).is_empty());
    let says = |request: &Request, words: &str| {
        let found = warnings(request);
        assert!(found.len() == 1 && found[0].contains(words), "{words}: {found:?}");
    };
    says(&request("a clock at 10:30"), "30, is a weight");
    says(&request("a [cat:dog:9]"), "\"[cat:dog:9]\" never changes");
    says(&Request { guidance: Some(1.0), ..plain.clone() }, "`negative_prompt` has no effect");
    let schedule = GuidanceOptions { schedule: Some("7x3+2x5".parse().unwrap()), ..GuidanceOptions::default() };
    says(&Request { guidance_options: schedule, ..plain.clone() }, "names 8 steps, but only 4");
    let long = Request { prompt_syntax: Syntax::Plain, ..request(&"red ".repeat(80)) };
    says(&long, "this end is ignored");
    assert!(warnings(&Request { prompt_syntax: Syntax::A1111, ..long }).is_empty());
}

#[test]
fn guidance_by_attention_is_refused_for_a_network_without_any_in_its_middle() {
    use sd_pipeline::Model;
    let model = sd_golden::TinyModel::new(Kind::Sd1);
    let file = model.path().join("unet/config.json");
    let mut config: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    config["mid_block_type"] = serde_json::Value::Null;
    std::fs::write(&file, config.to_string()).unwrap();
    let model = Model::open(model.path()).unwrap();
    for (field, options) in [
        ("`pag`", GuidanceOptions { pag: 3.0, ..GuidanceOptions::default() }),
        ("`sag`", GuidanceOptions { sag: 0.75, ..GuidanceOptions::default() }),
    ] {
        let request = Request { guidance_options: options, ..request("a red house") };
        let message = sd_pipeline::Plan::new(&model, &request).unwrap_err().to_string();
        assert!(message.starts_with(field) && message.contains("none there"), "{message}");
    }
    assert!(sd_pipeline::Plan::new(&model, &request("a red house")).is_ok());
}
