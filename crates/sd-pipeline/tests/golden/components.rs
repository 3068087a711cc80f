//! The parts of a pipeline: used alone, replaced and shared.

use std::ops::ControlFlow;
use std::sync::Arc;

use sd_golden::{Kind, TinyModel};
use sd_pipeline::{
    Backbone, Components, Conditions, DType, Device, Error, Image, Model, Pipeline, Prediction, Request, StepEnd,
    Tensor,
};
use sd_samplers::{Churn, Ddim, Euler, Pndm};

use crate::pipeline;

fn request(sampler: &str) -> Request {
    Request {
        steps: Some(4),
        width: Some(32),
        height: Some(32),
        seed: 3,
        sampler: Some(sampler.parse().unwrap()),
        ..Request::new("a red house")
    }
}

fn furthest(a: &Image, b: &Image) -> u8 {
    a.rgb.iter().zip(&b.rgb).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

#[test]
fn embeddings_draw_what_their_prompts_draw() {
    for kind in [Kind::Sd1, Kind::Sdxl] {
        let pipeline = pipeline(kind);
        let request = Request { negative_prompt: Some("blurry".into()), ..request("ddim") };
        let expected = pipeline.draw(&request).unwrap().image;
        let prompt = pipeline.encode_prompts(&["a red house"]).unwrap();
        let negative = pipeline.encode_prompts(&["blurry"]).unwrap();
        // The plan's prompt is ignored, but its negative prompt is encoded if no negative embeddings are given.
        let plan = pipeline.plan(&Request { prompt: Some("unread".into()), ..request }).unwrap();
        for negative in [Some(negative), None] {
            let drawn = pipeline.drawing(&plan).embeddings(prompt.clone(), negative).run().unwrap().image;
            // Encoded separately, so sums may be in another order.
            assert!(furthest(&drawn, &expected) <= 1, "{kind:?}");
        }
    }
}

#[test]
fn embeddings_that_do_not_fit_are_refused() {
    let pipeline = pipeline(Kind::Sd1);
    let plan = pipeline.plan(&request("ddim")).unwrap();
    let two = pipeline.encode_prompts(&["a", "b"]).unwrap();
    let refused = pipeline.drawing(&plan).embeddings(two.clone(), None).run();
    assert!(matches!(refused, Err(Error::Embeddings(reason)) if reason == "2 rows of embeddings for 1 images"));
    assert!(matches!(pipeline.encode_prompts(&[]), Err(Error::Embeddings(_))));
    let other = pipeline.drawings(&[plan.clone(), plan]).embeddings(two.clone(), Some(two)).run_all().unwrap();
    assert_eq!(other.len(), 2);
}

#[test]
fn latents_are_decoded_and_images_encoded() {
    let pipeline = pipeline(Kind::Sd1);
    let drawn = pipeline.draw(&request("ddim")).unwrap();
    assert_eq!(pipeline.decode(&drawn.latents).unwrap(), drawn.image);
    let latents = pipeline.encode(std::slice::from_ref(&drawn.image)).unwrap().remove(0);
    assert_eq!(latents.shape, drawn.latents.shape);
    let again = pipeline.reconstruct(std::slice::from_ref(&drawn.image)).unwrap().remove(0);
    assert_eq!(pipeline.decode(&latents).unwrap(), again);
    let short = sd_pipeline::Latents { values: vec![0.0; 3], shape: [1, 4, 4, 4] };
    assert!(matches!(pipeline.decode(&short), Err(Error::Autoencoder(reason)) if reason.contains("3 values")));
}

#[test]
fn a_step_can_be_inspected_changed_and_made_the_last() {
    let pipeline = pipeline(Kind::Sd1);
    let plan = pipeline.plan(&request("ddim")).unwrap();
    let mut seen = Vec::new();
    let mut erase = |end: &mut StepEnd| {
        seen.push((end.step, end.steps, end.sigma));
        if end.step == end.steps {
            *end.latents = end.latents.zeros_like();
        }
        ControlFlow::Continue(())
    };
    let drawn = pipeline.drawing(&plan).after_step(&mut erase).run().unwrap();
    assert!(drawn.latents.values.iter().all(|value| *value == 0.0));
    assert_eq!(seen.iter().map(|step| (step.0, step.1)).collect::<Vec<_>>(), [(1, 4), (2, 4), (3, 4), (4, 4)]);
    assert_eq!(seen.iter().map(|step| step.2).collect::<Vec<_>>(), plan.settings.sampling.levels.value.sigmas()[1..]);
    let mut stop = |end: &mut StepEnd| if end.step == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    let cancelled = pipeline.drawing(&plan).after_step(&mut stop).run();
    assert!(matches!(cancelled, Err(Error::Cancelled { what: "step", call: 2, calls: 4 })), "{cancelled:?}");
}

#[test]
fn a_sampler_may_be_the_callers_own() {
    let pipeline = pipeline(Kind::Sd1);
    let plan = pipeline.plan(&request("ddim")).unwrap();
    let expected = pipeline.drawing(&plan).run().unwrap().image;
    assert_eq!(pipeline.drawing(&plan).sampler(&Ddim::new(0.0)).run().unwrap().image, expected);
    // The same step, written another way.
    let euler = Euler::new(Churn::default());
    assert!(furthest(&pipeline.drawing(&plan).sampler(&euler).run().unwrap().image, &expected) <= 1);
    let two = pipeline.plan(&Request { steps: Some(2), ..request("ddim") }).unwrap();
    let pndm = Pndm::new(pipeline.components().process.clone(), Prediction::Eps);
    let refused = pipeline.drawing(&two).sampler(&pndm).run().unwrap_err();
    assert_eq!(refused.to_string(), "`steps` 2: this sampler needs at least 4");
}

/// Predicts no noise.
#[derive(Debug)]
struct Silent;

impl Backbone for Silent {
    fn predict(&self, x: Tensor<4>, _t: &[f64], conditions: Option<&Conditions>) -> Tensor<4> {
        assert_eq!(conditions.map(|conditions| conditions.context.dims()[0]), Some(x.dims()[0]));
        x.zeros_like()
    }
}

#[test]
fn components_are_shared_and_replaced() {
    let (folder, device) = (TinyModel::new(Kind::Sd1), Device::flex());
    let model = || Model::open(folder.path()).unwrap();
    let components = model().components(&device, DType::F32).unwrap();
    let first = Pipeline::new(model(), components.clone(), &device);
    let second = Pipeline::new(model(), components.clone(), &device);
    assert_eq!(first.draw(&request("ddim")).unwrap().image, second.draw(&request("ddim")).unwrap().image);
    // If no noise is predicted, the denoised image equals the noisy one, and DDIM leaves it unchanged.
    let silent = Pipeline::new(model(), Components { backbone: Arc::new(Silent), ..components }, &device);
    let plan = silent.plan(&request("ddim")).unwrap();
    let mut before = None;
    let mut first_step = |end: &mut StepEnd| {
        before.get_or_insert_with(|| end.latents.clone().into_data().try_to_vec::<f32>().unwrap());
        ControlFlow::Continue(())
    };
    let drawn = silent.drawing(&plan).after_step(&mut first_step).run().unwrap();
    let scale = silent.components().process.mixture_scale(plan.settings.sampling.levels.value.last()) as f32;
    for (drawn, before) in drawn.latents.values.iter().zip(before.unwrap()) {
        assert!((drawn - before * scale).abs() < 1e-4);
    }
}
