//! Images inverted to their noise and drawn again, on tiny models.

use std::ops::ControlFlow;

use sd_golden::{Kind, TinyModel};
use sd_pipeline::{Error, Image, Inversion, Latents, Pipeline, Request};

use crate::exact_network::exact;
use crate::pipeline;

fn image() -> Image {
    let rgb = (0..32 * 32).flat_map(|i| [(i % 32 * 8) as u8, (i / 32 * 8) as u8, 90]).collect();
    Image { width: 32, height: 32, rgb }
}

/// What is drawn of an inverted image.
fn again(pipeline: &Pipeline, inversion: &Inversion, noise: Latents) -> Latents {
    let request = Request { latents: Some(noise), ..inversion.request(pipeline.model(), &image()) };
    pipeline.draw(&request).unwrap().latents
}

/// The root-mean-square difference, relative to the second.
fn apart(a: &[f32], b: &[f32]) -> f64 {
    let square = |x: f32| f64::from(x).powi(2);
    let squares: f64 = a.iter().zip(b).map(|(a, b)| square(a - b)).sum();
    (squares / b.iter().map(|b| square(*b)).sum::<f64>()).sqrt()
}

/// Checks that the noise is the exact one, and that the image drawn from it is exact, up to errors of order 1.
fn check(pipeline: &Pipeline, guidance: Option<f64>, image: &[f32], noise: &[f32]) {
    let errors = [100, 400].map(|steps| {
        let inversion = Inversion { steps: Some(steps), guidance, ..Inversion::default() };
        let found = pipeline.invert(&self::image(), &inversion).unwrap();
        let error = apart(&found.values, noise);
        [error, apart(&again(pipeline, &inversion, found).values, image)]
    });
    let orders = [0, 1].map(|i| (errors[0][i] / errors[1][i]).log(4.0));
    assert!(errors[1].iter().all(|error| *error < 0.02), "{errors:?}");
    assert!(orders.iter().all(|order| (order - 1.0).abs() < 0.25), "orders {orders:?}: {errors:?}");
}

#[test]
fn an_image_drawn_again_converges_at_order_1() {
    let pipeline = exact(&TinyModel::new(Kind::Sd1), 1.0);
    let latents = pipeline.encode(&[image()]).unwrap().remove(0).values;
    // The path of data of standard deviation 1 scales it like the noise, so that the noise equals the image.
    check(&pipeline, None, &latents, &latents);
    check(&pipeline, Some(3.0), &latents, &latents);
}

#[test]
fn an_image_is_inverted_in_pixels() {
    let pipeline = exact(&TinyModel::ddpm(), 0.5);
    let pixels = (0..3).flat_map(|c| image().rgb.into_iter().skip(c).step_by(3));
    let pixels: Vec<f32> = pixels.map(|byte| f32::from(byte) / 127.5 - 1.0).collect();
    let noise: Vec<f32> = pixels.iter().map(|x| x / 0.5).collect();
    check(&pipeline, None, &pixels, &noise);
}

#[test]
fn an_inversion_is_watched_and_cancelled() {
    let (pipeline, inversion) = (pipeline(Kind::Sd1), Inversion { steps: Some(4), ..Inversion::default() });
    let mut levels = Vec::new();
    let result = pipeline.invert_with(&image(), &inversion, &mut |step| {
        levels.push(step.sigma);
        if step.call == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(matches!(result, Err(Error::Cancelled { call: 3, calls: 4, .. })), "{result:?}");
    assert!(levels.is_sorted(), "{levels:?}");
}
