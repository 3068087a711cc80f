//! Networks that are trained by EDM.

use std::fs;

use burn::tensor::Device;
use sd_pipeline::{DType, Pipeline, Process, Request};

use crate::{AUTOENCODER, PIXELS, TEXT_TO_IMAGE, train};

const SCHEDULER: &str = "_class_name = \"EDMEulerScheduler\"";

fn pixels() -> String {
    let diffusion = "[diffusion]\nlog_sigma_mean = -1.0\nlog_sigma_std = 1.4\n";
    PIXELS.replace("beta_schedule = \"linear\"", &format!("{SCHEDULER}\n{diffusion}"))
}

/// For latents, whose standard deviation is 1.
fn text_to_image() -> String {
    TEXT_TO_IMAGE
        .replace("beta_schedule = \"squaredcos_cap_v2\"", &format!("{SCHEDULER}\nsigma_data = 1.0"))
        .replace("min_snr_gamma = 5.0\nimportance_sampling = true\n", "")
}

#[test]
fn a_model_in_pixels_is_trained_and_drawn_by_edm() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    train(folder, &pixels(), None).unwrap();
    let pipeline = Pipeline::open(folder.join("pixels/model"), &Device::flex(), DType::F32).unwrap();
    assert!(matches!(pipeline.components().process, Process::Edm(edm) if edm.sigma_data() == 0.5));
    let plan = pipeline.plan(&Request { steps: Some(2), ..Request::default() }).unwrap();
    assert_eq!(plan.settings.sampling.sampler.value.to_string(), "euler");
    pipeline.drawing(&plan).run().unwrap();
}

#[test]
fn a_model_with_a_text_is_trained_by_edm_and_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    train(folder, AUTOENCODER, None).unwrap();
    train(folder, &text_to_image(), None).unwrap();
    let stopped = text_to_image().replace("OUT/model", "OUT/stopped");
    train(folder, &stopped, Some(2)).unwrap_err();
    train(folder, &stopped, None).unwrap();
    let unet = |name: &str| fs::read(folder.join(name).join("model/unet/diffusion_pytorch_model.safetensors")).unwrap();
    assert!(unet("model") == unet("stopped"));
    let index = fs::read_to_string(folder.join("model/model/model_index.json")).unwrap();
    assert!(index.contains("EDMEulerScheduler"), "{index}");
    // A student is distilled between timesteps.
    let (data, rest) = (TEXT_TO_IMAGE.find("[data]").unwrap(), TEXT_TO_IMAGE.find("[training]").unwrap());
    let tables = TEXT_TO_IMAGE.find("[text_encoder]").unwrap();
    let student = format!(
        "train = \"distillation\"\noutput = \"OUT/student\"\nstart = \"OUT/model/model\"\n{}{}",
        &TEXT_TO_IMAGE[data..tables],
        &TEXT_TO_IMAGE[rest..]
    );
    let error = train(folder, &student, None).unwrap_err().to_string();
    assert!(error.contains("the noise process of the teacher (EDM) has no timesteps"), "{error}");
}

#[test]
fn settings_of_the_other_noise_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let edm = pixels();
    for (text, from, to, expected) in [
        (&*edm, "[diffusion]", "[diffusion]\nmin_snr_gamma = 5.0", "`diffusion.min_snr_gamma` is for timesteps"),
        (
            &edm,
            "[diffusion]",
            "[diffusion]\nimportance_sampling = true",
            "`diffusion.importance_sampling` is for timesteps",
        ),
        (&edm, "[diffusion]", "[diffusion]\nlearned_variance = true", "variance"),
        (&edm, SCHEDULER, &format!("{SCHEDULER}\nbeta_start = 0.1"), "`beta_start`"),
        (&edm, SCHEDULER, &format!("{SCHEDULER}\nsigma_data = 0.0"), "sigma_data is 0"),
        (
            &edm,
            "log_sigma_std = 1.4",
            "log_sigma_std = 0.0",
            "`diffusion.log_sigma_std` is 0, expected a number above 0",
        ),
        (&edm, "log_sigma_mean = -1.0", "log_sigma_mean = nan", "`diffusion.log_sigma_mean` is NaN"),
        (
            PIXELS,
            "[training]",
            "[diffusion]\nlog_sigma_std = 1.0\n[training]",
            "`diffusion.log_sigma_std` is for EDM's noise",
        ),
    ] {
        assert!(text.contains(from), "{from}");
        let error = train(folder.path(), &text.replace(from, to), None).unwrap_err().to_string();
        assert!(error.contains(expected), "{to}: {error}");
    }
}
