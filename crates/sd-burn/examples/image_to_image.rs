//! An image becomes another: `cargo run --release --example image_to_image MODEL IMAGE`.

use std::error::Error;
use std::path::Path;

use sd_burn::{DType, Device, Image, Init, Pipeline, Request};

/// Draws an image again, with the last 12 of 20 steps.
pub fn image_to_image(model: &Path, image: &Path, output: &Path) -> Result<(), Box<dyn Error>> {
    let pipeline = Pipeline::open(model, &Device::flex(), DType::F32)?;
    let request = Request {
        init: Some(Init::Image(Image::read(image)?)),
        strength: Some(0.6),
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
    let [model, image] = [1, 2].map(|i| std::env::args().nth(i));
    let (model, image) = (model.ok_or("MODEL is missing")?, image.ok_or("IMAGE is missing")?);
    image_to_image(model.as_ref(), image.as_ref(), "image_to_image.png".as_ref())
}
