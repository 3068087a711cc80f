//! Networks that also learn the variance of DDPM's steps.

use std::fs;
use std::path::Path;

use burn::tensor::Device;
use sd_pipeline::{DType, Pipeline, Request, Variance};

use crate::{AUTOENCODER, PIXELS, TEXT_TO_IMAGE, train};

const LEARNED: &str = "learned_variance = true";

/// The recipe for pixels, with a learned variance.
fn pixels() -> String {
    PIXELS.replace("[training]", &format!("[diffusion]\n{LEARNED}\n[training]"))
}

/// Draws with the trained model, by the sampler of its own.
fn draw(folder: &Path, request: &Request) {
    let pipeline = Pipeline::open(folder, &Device::flex(), DType::F32).unwrap();
    assert!(pipeline.model().learns_variance());
    let plan = pipeline.plan(request).unwrap();
    assert_eq!(
        (plan.settings.sampling.sampler.value.to_string().as_str(), plan.settings.sampling.variance),
        ("ddpm", Variance::LearnedRange)
    );
    pipeline.drawing(&plan).run().unwrap();
}

#[test]
fn a_model_in_pixels_learns_its_variance_and_draws_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    train(folder, &pixels(), None).unwrap();
    draw(&folder.join("pixels/model"), &Request { steps: Some(2), ..Request::default() });
    // Fine-tuned, it goes on learning both.
    let (tables, rest) = (PIXELS.find("[unet]").unwrap(), PIXELS.find("[training]").unwrap());
    let tuned = format!("start = \"OUT/pixels/model\"{}[diffusion]\n{LEARNED}\n{}", &PIXELS[..tables], &PIXELS[rest..]);
    let tuned = tuned.replace("output = \"OUT/pixels\"", "output = \"OUT/tuned\"");
    train(folder, &tuned, None).unwrap();
    let error = train(folder, &tuned.replace(LEARNED, ""), None).unwrap_err().to_string();
    assert!(error.contains("this U-Net gives 6 channels, of which 3 say a variance"), "{error}");
}

#[test]
fn a_model_with_a_text_learns_its_variance_and_draws_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    train(folder, AUTOENCODER, None).unwrap();
    train(folder, &TEXT_TO_IMAGE.replace("[diffusion]", &format!("[diffusion]\n{LEARNED}")), None).unwrap();
    let unet = fs::read_to_string(folder.join("model/model/unet/config.json")).unwrap();
    assert!(unet.contains("\"out_channels\": 8"), "{unet}");
    draw(&folder.join("model/model"), &Request { steps: Some(2), ..Request::new("a house") });
}

#[test]
fn what_does_not_fit_a_learned_variance_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for (text, from, to, expected) in [
        (AUTOENCODER, "[training]", "[diffusion]\nlearned_variance = true\n[training]", "is not used in this training"),
        (&pixels(), "norm_num_groups", "out_channels = 3\nnorm_num_groups", "needs a U-Net with 6 output channels"),
        (
            &pixels(),
            "\"linear\"",
            "\"linear\"\nvariance_type = \"fixed_small\"",
            "needs `variance_type` \"learned_range\"",
        ),
        (PIXELS, "norm_num_groups", "out_channels = 6\nnorm_num_groups", "of which 3 say a variance: set `diffusion."),
        (
            PIXELS,
            "\"linear\"",
            "\"linear\"\nvariance_type = \"learned_range\"",
            "a network which learns it: set `diffusion.",
        ),
    ] {
        assert!(text.contains(from), "{from}");
        let error = train(folder.path(), &text.replace(from, to), None).unwrap_err().to_string();
        assert!(error.contains(expected), "{to}: {error}");
    }
}
