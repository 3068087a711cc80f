//! A part of an image is drawn anew: `cargo run --release --example inpaint MODEL IMAGE MASK`.

use std::error::Error;
use std::path::Path;

use sd_burn::{DType, Device, Image, Init, Inpaint, Mask, Pipeline, Request};

/// Draws the white part of a mask anew; the rest of the image keeps its bytes.
pub fn inpaint(model: &Path, image: &Path, mask: &Path, output: &Path) -> Result<(), Box<dyn Error>> {
    let pipeline = Pipeline::open(model, &Device::flex(), DType::F32)?;
    let request = Request {
        init: Some(Init::Image(Image::read(image)?)),
        inpaint: Some(Inpaint::new(Mask::read(mask)?)),
        strength: Some(1.0),
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
    let [model, image, mask] = [1, 2, 3].map(|i| std::env::args().nth(i));
    let (model, image) = (model.ok_or("MODEL is missing")?, image.ok_or("IMAGE is missing")?);
    let mask = mask.ok_or("MASK is missing")?;
    inpaint(model.as_ref(), image.as_ref(), mask.as_ref(), "inpaint.png".as_ref())
}
