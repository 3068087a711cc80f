//! The edges of an image steer a drawing: `cargo run --release --example control MODEL NETWORK IMAGE`.

use std::error::Error;
use std::path::Path;

use sd_burn::{ControlFile, ControlImage, DType, Device, Image, Model, Pipeline, Preprocessor, Request};

/// Draws an image with the edges of another.
pub fn control(model: &Path, network: &Path, image: &Path, output: &Path) -> Result<(), Box<dyn Error>> {
    let mut model = Model::open(model)?;
    // An error says if the network is for other models. Weights are read below.
    let network = model.add_control(ControlFile::open(network)?)?;
    let pipeline = Pipeline::load(model, &Device::flex(), DType::F32)?;
    let edges = ControlImage {
        preprocess: Preprocessor::Canny { low: 100, high: 200 },
        scale: 0.8,
        ..ControlImage::new(network, Image::read(image)?)
    };
    let request = Request {
        controls: vec![edges],
        sampler: Some("dpm++2m".parse()?),
        seed: 7,
        steps: Some(20),
        ..Request::new("a lighthouse at dusk")
    };
    pipeline.draw(&request)?.image.save(output)?;
    Ok(())
}

#[allow(dead_code, reason = "the tests call the function above")]
fn main() -> Result<(), Box<dyn Error>> {
    let [model, network, image] = [1, 2, 3].map(|i| std::env::args().nth(i));
    let (model, network) = (model.ok_or("MODEL is missing")?, network.ok_or("NETWORK is missing")?);
    let image = image.ok_or("IMAGE is missing")?;
    control(model.as_ref(), network.as_ref(), image.as_ref(), "control.png".as_ref())
}
