//! Several images at once: on the processor each has the bits that it has alone.

use sd_golden::Kind;
use sd_pipeline::{
    Apg, Fill, FreeU, GuidanceOptions, Image, Init, Inpaint, Latents, Mask, Pipeline, Plan, Request, Seamless,
    Threshold, Variation,
};
use sd_samplers::CATALOGUE;

use crate::pipeline;

fn requests(sampler: &str) -> Vec<Request> {
    let request = |(seed, prompt): (u64, &str)| Request {
        steps: Some(4),
        width: Some(32),
        height: Some(32),
        seed,
        sampler: Some(sampler.parse().unwrap()),
        ..Request::new(prompt)
    };
    [(7, "a red house"), (8, ""), (3, "two blue boats by the sea")].map(request).to_vec()
}

fn plans(pipeline: &Pipeline, requests: &[Request]) -> Vec<Plan> {
    requests.iter().map(|request| pipeline.plan(request).unwrap()).collect()
}

fn draw(pipeline: &Pipeline, requests: &[Request]) -> Vec<sd_pipeline::GeneratedImage> {
    pipeline.drawings(&plans(pipeline, requests)).run_all().unwrap()
}

/// The largest difference between two images, of 255.
fn apart(a: &Image, b: &Image) -> u8 {
    a.rgb.iter().zip(&b.rgb).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

#[track_caller]
fn assert_each_is_as_alone(pipeline: &Pipeline, requests: &[Request]) {
    let together = draw(pipeline, requests);
    assert_eq!(together.len(), requests.len());
    for (request, drawn) in requests.iter().zip(&together) {
        let alone = pipeline.draw(request).unwrap();
        assert!(alone.image == drawn.image, "{request:?}");
        assert!(alone.latents.values == drawn.latents.values, "{request:?}");
        assert_eq!(alone.latents.shape, drawn.latents.shape);
    }
    assert!(apart(&together[0].image, &together[2].image) > 10, "they are different images");
}

#[test]
fn each_image_of_a_batch_is_as_it_is_alone() {
    let pipeline = pipeline(Kind::Sd1);
    for sampler in CATALOGUE {
        assert_each_is_as_alone(&pipeline, &requests(sampler.name));
    }
    let unguided: Vec<_> =
        requests("ddim").into_iter().map(|request| Request { guidance: Some(1.0), ..request }).collect();
    assert_each_is_as_alone(&pipeline, &unguided);
}

#[test]
fn every_kind_of_guidance_and_of_start_is_the_same_in_a_batch() {
    let pipeline = pipeline(Kind::Sd1);
    let image = draw(&pipeline, &requests("ddim")).remove(0).image;
    let mask = Mask { width: 32, height: 32, values: (0..1024).map(|i| if i % 32 < 12 { 255 } else { 0 }).collect() };
    let guided = |options: GuidanceOptions| Request { guidance_options: options, ..requests("euler").remove(0) };
    let started = |inpaint| Request {
        init: Some(Init::Image(image.clone())),
        strength: Some(0.7),
        inpaint,
        ..guided(GuidanceOptions::default())
    };
    let none = GuidanceOptions::default;
    let kinds = [
        guided(GuidanceOptions { rescale: 0.7, pag: 2.0, ..none() }),
        guided(GuidanceOptions { sag: 0.8, ..none() }),
        guided(GuidanceOptions { threshold: Some(Threshold { percentile: 0.99, mimic: 3.0 }), ..none() }),
        guided(GuidanceOptions { apg: Some(Apg::published(64)), ..none() }),
        guided(GuidanceOptions { perpendicular: Some(1.0), ..none() }),
        Request { freeu: Some(FreeU { b1: 1.5, b2: 1.6, s1: 0.9, s2: 0.2 }), ..guided(none()) },
        Request { seamless: Seamless::Both, variation: Some(Variation { seed: 5, strength: 0.3 }), ..guided(none()) },
        started(None),
        started(Some(Inpaint { fill: Fill::Noise, ..Inpaint::new(mask.clone()) })),
        started(Some(Inpaint::new(mask))),
    ];
    for kind in kinds {
        let seeds = [7, 8, 3].map(|seed| Request { seed, ..kind.clone() });
        assert_each_is_as_alone(&pipeline, &seeds);
    }
}

#[test]
fn images_of_the_xl_kind_are_drawn_in_batches_too() {
    let pipeline = pipeline(Kind::Sdxl);
    assert_each_is_as_alone(&pipeline, &requests("euler"));
    let negative = |request| Request { negative_prompt: Some("blurry".into()), ..request };
    assert_each_is_as_alone(&pipeline, &requests("euler").into_iter().map(negative).collect::<Vec<_>>());
}

#[test]
fn images_with_other_settings_form_their_own_batches() {
    let pipeline = pipeline(Kind::Sd1);
    let mut requests = requests("ddim");
    requests[1] = Request { steps: Some(5), height: Some(40), ..requests[1].clone() };
    assert_each_is_as_alone(&pipeline, &requests);
    assert!(draw(&pipeline, &[]).is_empty());
}

#[test]
fn given_latents_and_noise_of_a_seed_start_images_of_one_batch() {
    let pipeline = pipeline(Kind::Sd1);
    let mut requests = requests("ddpm");
    requests[1].latents = Some(Latents { values: vec![0.5; 64], shape: [1, 4, 4, 4] });
    assert_each_is_as_alone(&pipeline, &requests);
}

#[test]
fn a_reconstruction_is_the_autoencoders_and_that_of_its_image_alone() {
    let pipeline = pipeline(Kind::Sd1);
    let images: Vec<Image> = draw(&pipeline, &requests("ddim")).into_iter().map(|drawn| drawn.image).collect();
    let together = pipeline.reconstruct(&images).unwrap();
    for (image, again) in images.iter().zip(&together) {
        assert_eq!((again.width, again.height), (image.width, image.height));
        let alone = pipeline.reconstruct(std::slice::from_ref(image)).unwrap().remove(0);
        assert!(apart(&alone, again) <= 1);
    }
    assert!(pipeline.reconstruct(&[]).unwrap().is_empty());
    let odd = Image { width: 31, height: 32, rgb: vec![0; 31 * 32 * 3] };
    assert!(pipeline.reconstruct(&[odd]).unwrap_err().to_string().contains("multiples of 8"));
}

#[test]
fn prompts_of_other_lengths_phases_and_parts_draw_in_one_batch_what_they_draw_alone() {
    let pipeline = pipeline(Kind::Sdxl);
    let long = format!("{}a lighthouse", "two blue boats by the sea, ".repeat(14));
    let prompts = ["a red house", &long, "a [red:blue:0.5] house", "a [cat|dog]"];
    let options = GuidanceOptions { pag: 1.5, rescale: 0.5, ..GuidanceOptions::default() };
    let alike: Vec<Request> = (0..)
        .zip(prompts)
        .map(|(seed, prompt)| Request {
            prompt: Some(prompt.into()),
            seed,
            negative_prompt: Some("blurry [dark:grey:2]".into()),
            guidance_options: options.clone(),
            ..requests("euler").remove(0)
        })
        .collect();
    assert_each_is_as_alone(&pipeline, &alike);
    // Those of two parts form their own batch.
    let parts = ["a cat AND a dog:0.4", "a cat", &format!("{long} AND a dog:0.4")]
        .map(|prompt| Request { prompt: Some(prompt.into()), ..alike[0].clone() });
    assert_each_is_as_alone(&pipeline, &parts);
}
