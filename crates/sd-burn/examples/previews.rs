//! A preview after every step: `cargo run --release --example previews MODEL`.

use std::error::Error;
use std::ops::ControlFlow;
use std::path::Path;

use sd_burn::{DType, Device, Pipeline, Preview, Request, Step};

/// Draws an image, and a preview of each call of the network.
pub fn previews(model: &Path, folder: &Path) -> Result<(), Box<dyn Error>> {
    let pipeline = Pipeline::open(model, &Device::flex(), DType::F32)?;
    let preview = Preview::new(&pipeline)?;
    let plan = pipeline.plan(&Request { steps: Some(10), ..Request::new("a lighthouse at dusk") })?;
    let mut show = |step: &Step| {
        let images = preview.images(step.denoised).expect("finite latents");
        images[0].save(folder.join(format!("preview-{:02}.png", step.call))).expect("a folder to write to");
        ControlFlow::Continue(())
    };
    pipeline.drawing(&plan).watch(&mut show).run()?.image.save(folder.join("image.png"))?;
    Ok(())
}

#[allow(dead_code, reason = "the tests call the function above")]
fn main() -> Result<(), Box<dyn Error>> {
    previews(std::env::args().nth(1).ok_or("MODEL is missing")?.as_ref(), ".".as_ref())
}
