//! A prompt becomes an image: `cargo run --release --example text_to_image MODEL`.

use std::error::Error;
use std::path::Path;

use sd_burn::{DType, Device, Pipeline, Request};

/// Draws one image.
pub fn text_to_image(model: &Path, output: &Path) -> Result<(), Box<dyn Error>> {
    let pipeline = Pipeline::open(model, &Device::flex(), DType::F32)?;
    let request = Request { seed: 7, steps: Some(20), ..Request::new("a lighthouse at dusk") };
    pipeline.draw(&request)?.image.save(output)?;
    Ok(())
}

#[allow(dead_code, reason = "the tests call the function above")]
fn main() -> Result<(), Box<dyn Error>> {
    text_to_image(std::env::args().nth(1).ok_or("MODEL is missing")?.as_ref(), "text_to_image.png".as_ref())
}
