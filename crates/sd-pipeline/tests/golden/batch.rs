//! Several images at once.

use sd_golden::Kind;
use sd_pipeline::{GuidanceOptions, Image, Latents, Pipeline, Plan, Request};

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
        // Sums in single precision may be in another order.
        assert!(apart(&alone.image, &drawn.image) <= 1, "{request:?}");
        let values = alone.latents.values.iter().zip(&drawn.latents.values);
        let furthest = values.fold(0.0_f32, |furthest, (a, b)| furthest.max((a - b).abs()));
        assert!(furthest < 1e-3, "{furthest}: {request:?}");
        assert_eq!(alone.latents.shape, drawn.latents.shape);
    }
    assert!(apart(&together[0].image, &together[2].image) > 10, "they are different images");
}

#[test]
fn each_image_of_a_batch_is_as_it_is_alone() {
    let pipeline = pipeline(Kind::Sd1);
    // Deterministic, with fresh noise, and along a Brownian path.
    for sampler in ["plms", "ddpm", "dpm++2m-sde"] {
        assert_each_is_as_alone(&pipeline, &requests(sampler));
    }
    let unguided: Vec<_> =
        requests("ddim").into_iter().map(|request| Request { guidance: Some(1.0), ..request }).collect();
    assert_each_is_as_alone(&pipeline, &unguided);
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
