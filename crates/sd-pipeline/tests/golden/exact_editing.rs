//! Images that begin with an image, where a network's answers are known: exact latents at every level.

use std::ops::ControlFlow;

use sd_golden::{Kind, TinyModel};
use sd_pipeline::{
    DType, Device, Image, Init, Inpaint, Latents, Mask, Model, Noise, Request, Tensor, TorchNoise, images_to_tensor,
};

use crate::exact_network::exact;

const SIZE: usize = 128;

fn image() -> Image {
    let pixel = |i: usize| [i % SIZE * 2, i / SIZE * 2, 90].map(|value| value as u8);
    Image { width: SIZE, height: SIZE, rgb: (0..SIZE * SIZE).flat_map(pixel).collect() }
}

fn values(x: Tensor<4>) -> Vec<f64> {
    x.into_data().iter::<f64>().collect()
}

/// The latents that are drawn of the image, and the noise after them, for a seed: the order of diffusers' random draws.
fn sampled(seed: u64) -> (Vec<f64>, Vec<f64>) {
    let tiny = TinyModel::new(Kind::Sd1);
    let model = Model::open(tiny.path()).unwrap();
    let vae = model.components(&Device::flex(), DType::F32).unwrap().autoencoder.unwrap();
    let encoded = vae.encode(images_to_tensor(&[image()], &Device::flex()));
    let mut noise = TorchNoise::new(seed);
    let latents = encoded.mean.clone() + encoded.std.unwrap() * noise.start(&encoded.mean);
    (values(latents), values(noise.start(&encoded.mean)))
}

fn request(steps: usize, strength: f64) -> Request {
    Request {
        init: Some(Init::Image(image())),
        strength: Some(strength),
        steps: Some(steps),
        sampler: Some("ddim".parse().unwrap()),
        guidance: Some(1.0),
        seed: 5,
        ..Request::new("")
    }
}

fn largest(found: &[f32], expected: impl Iterator<Item = f64>) -> f64 {
    found.iter().zip(expected).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max)
}

/// One step of the exact denoiser `x/(1 + sigma²)` for data of standard deviation 1, from the smallest level. Almost nothing changes.
#[test]
fn with_hardly_any_strength_the_latents_of_the_image_come_back() {
    let pipeline = exact(&TinyModel::new(Kind::Sd1), 1.0);
    let plan = pipeline.plan(&request(500, 0.002)).unwrap();
    let visited = plan.settings.sampling.visited();
    let (sigma, end) = (visited[0], visited[1]);
    assert!(visited.len() == 2 && sigma < 0.06, "{visited:?}");
    let found = pipeline.drawing(&plan).latents().unwrap().remove(0);
    let (latents, noise) = sampled(5);
    let step = |(latent, noise): (&f64, &f64)| {
        let x = latent + sigma * noise;
        let denoised = x / (1.0 + sigma * sigma);
        (denoised + end / sigma * (x - denoised)) / end.hypot(1.0)
    };
    let error = largest(&found.values, latents.iter().zip(&noise).map(step));
    assert!(error < 1e-4, "{error}");
}

/// Half of the image is masked.
fn masked(request: Request) -> Request {
    let mut mask = Mask::black(SIZE, SIZE);
    mask.paste(&Mask { width: SIZE / 2, height: SIZE, values: vec![255; SIZE * SIZE / 2] }, 0, 0);
    Request { inpaint: Some(Inpaint::new(mask)), ..request }
}

fn is_kept(i: usize) -> bool {
    let width = SIZE / 8;
    i % width >= width / 2
}

#[test]
fn the_kept_part_has_its_own_noise_at_every_level_and_none_at_the_end() {
    let pipeline = exact(&TinyModel::new(Kind::Sd1), 1.0);
    let (latents, noise) = sampled(5);
    for sampler in ["ddim", "euler-a", "heun", "dpm++2m", "unipc", "dpm++2m-sde"] {
        let request = Request { sampler: Some(sampler.parse().unwrap()), ..masked(request(10, 0.58)) };
        let plan = pipeline.plan(&request).unwrap();
        let mut errors = Vec::new();
        let mut after = |end: &mut sd_pipeline::StepEnd| {
            let found = values(end.latents.clone());
            let known = latents.iter().zip(&noise).map(|(latent, noise)| latent + end.sigma * noise);
            let kept = found.iter().zip(known).enumerate().filter(|(i, _)| is_kept(*i));
            errors.push(kept.map(|(_, (a, b))| (a - b).abs()).fold(0.0, f64::max) / end.sigma.hypot(1.0));
            ControlFlow::Continue(())
        };
        let found = pipeline.drawing(&plan).after_step(&mut after).latents().unwrap().remove(0);
        assert_eq!(errors.len(), plan.settings.sampling.made.len());
        assert!(errors.iter().all(|error| *error < 1e-5), "{sampler}: {errors:?}");
        let kept = found.values.iter().zip(&latents).enumerate().filter(|(i, _)| is_kept(*i));
        let last = kept.map(|(_, (a, b))| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
        assert!(last < 1e-6, "{sampler}: {last}");
    }
}

/// The network's data are independent normal values of standard deviation 0.5, so the kept part says nothing about the rest.
#[test]
fn the_masked_part_is_drawn_from_the_data() {
    let pipeline = exact(&TinyModel::new(Kind::Sd1), 0.5);
    let found: Latents =
        pipeline.drawing(&pipeline.plan(&masked(request(100, 1.0))).unwrap()).latents().unwrap().remove(0);
    let drawn: Vec<f64> =
        found.values.iter().enumerate().filter(|(i, _)| !is_kept(*i)).map(|(_, x)| f64::from(*x)).collect();
    let (count, mean) = (drawn.len() as f64, drawn.iter().sum::<f64>() / drawn.len() as f64);
    let std = (drawn.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count).sqrt();
    // Four standard errors, and the error of 100 steps.
    assert!(mean.abs() < 4.0 * 0.5 / count.sqrt(), "mean {mean}");
    assert!((std - 0.5).abs() < 4.0 * 0.5 / (2.0 * count).sqrt() + 0.01, "standard deviation {std}");
}
