//! Networks that also read the clean image that they last predicted.

use burn::tensor::Device;
use sd_pipeline::{DType, Pipeline, Request};

use crate::{AUTOENCODER, PIXELS, TEXT_TO_IMAGE, train};

const KEYS: &str = "self_conditioning = true\nlearned_variance = true";

#[test]
fn they_are_trained_fine_tuned_and_drawn_also_with_a_learned_variance_or_by_edm() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let pixels = PIXELS.replace("[training]", &format!("[diffusion]\n{KEYS}\n[training]"));
    train(folder, &pixels, None).unwrap();
    let pipeline = Pipeline::open(folder.join("pixels/model"), &Device::flex(), DType::F32).unwrap();
    assert!(pipeline.model().self_conditions() && pipeline.model().learns_variance());
    pipeline.draw(&Request { steps: Some(2), ..Request::default() }).unwrap();
    let (tables, rest) = (PIXELS.find("[unet]").unwrap(), PIXELS.find("[training]").unwrap());
    let tuned = format!("start = \"OUT/pixels/model\"{}[diffusion]\n{KEYS}\n{}", &PIXELS[..tables], &PIXELS[rest..]);
    let tuned = tuned.replace("output = \"OUT/pixels\"", "output = \"OUT/tuned\"");
    train(folder, &tuned, None).unwrap();
    let error = train(folder, &tuned.replace("self_conditioning = true\n", ""), None).unwrap_err().to_string();
    assert!(error.contains("set `diffusion.self_conditioning` = true"), "{error}");
    let edm = PIXELS
        .replace("beta_schedule = \"linear\"", "_class_name = \"EDMEulerScheduler\"")
        .replace("OUT/pixels", "OUT/edm");
    train(folder, &edm.replace("[training]", "[diffusion]\nself_conditioning = true\n[training]"), None).unwrap();
}

#[test]
fn a_model_with_a_text_reads_its_last_latents_and_is_trained_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    train(folder, AUTOENCODER, None).unwrap();
    train(folder, &TEXT_TO_IMAGE.replace("[diffusion]", "[diffusion]\nself_conditioning = true"), None).unwrap();
    let pipeline = Pipeline::open(folder.join("model/model"), &Device::flex(), DType::F32).unwrap();
    assert_eq!(pipeline.model().extra_input(), None);
    pipeline.draw(&Request { steps: Some(2), ..Request::new("a house") }).unwrap();
    let data = &TEXT_TO_IMAGE[TEXT_TO_IMAGE.find("[data]").unwrap()..TEXT_TO_IMAGE.find("[text_encoder]").unwrap()];
    let rest = &TEXT_TO_IMAGE[TEXT_TO_IMAGE.find("[training]").unwrap()..];
    let lora = format!("train = \"lora\"\noutput = \"OUT/lora\"\nstart = \"OUT/model/model\"\n{data}[lora]\n{rest}");
    let error = train(folder, &lora, None).unwrap_err().to_string();
    assert!(error.contains("can only be trained as a whole"), "{error}");
}

#[test]
fn other_trainings_refuse_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let text = AUTOENCODER.replace("[training]", "[diffusion]\nself_conditioning = true\n[training]");
    let error = train(folder.path(), &text, None).unwrap_err().to_string();
    assert!(error.contains("[diffusion] is not used in this training"), "{error}");
}
