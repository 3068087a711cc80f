//! An image to latents and back: `cargo run --release --example image_to_latents MODEL IMAGE`.

#![allow(clippy::print_stdout, reason = "this is a program")]

use std::error::Error;
use std::path::Path;

use sd_burn::{DType, Device, Image, Pipeline};

/// Encodes an image and decodes its latents.
pub fn image_to_latents(model: &Path, image: &Path, output: &Path) -> Result<(), Box<dyn Error>> {
    let pipeline = Pipeline::open(model, &Device::flex(), DType::F32)?;
    let latents = pipeline.encode(&[Image::read(image)?])?.remove(0);
    println!("latents of shape {:?}", latents.shape);
    pipeline.decode(&latents)?.save(output)?;
    Ok(())
}

#[allow(dead_code, reason = "the tests call the function above")]
fn main() -> Result<(), Box<dyn Error>> {
    let [model, image] = [1, 2].map(|i| std::env::args().nth(i));
    let (model, image) = (model.ok_or("MODEL is missing")?, image.ok_or("IMAGE is missing")?);
    image_to_latents(model.as_ref(), image.as_ref(), "image_to_latents.png".as_ref())
}
