//! One image at several scales of a LoRA, without loading the model again: `cargo run --release --example lora_sweep MODEL LORA`.

use std::error::Error;
use std::path::Path;

use sd_burn::{DType, Device, Lora, Model, Pipeline, Request};

/// Draws the same image at three scales.
pub fn lora_sweep(model: &Path, lora: &Path, folder: &Path) -> Result<(), Box<dyn Error>> {
    let mut model = Model::open(model)?;
    model.merge(Lora::open(lora, 0.0)?)?;
    let mut pipeline = Pipeline::load(model, &Device::flex(), DType::F32)?;
    for scale in [0.0, 0.5, 1.0] {
        pipeline.set_lora_scale(0, scale)?;
        let request = Request { seed: 7, steps: Some(10), ..Request::new("a lighthouse at dusk") };
        pipeline.draw(&request)?.image.save(folder.join(format!("scale-{scale}.png")))?;
    }
    Ok(())
}

#[allow(dead_code, reason = "the tests call the function above")]
fn main() -> Result<(), Box<dyn Error>> {
    let [model, lora] = [1, 2].map(|i| std::env::args().nth(i));
    lora_sweep(model.ok_or("MODEL is missing")?.as_ref(), lora.ok_or("LORA is missing")?.as_ref(), ".".as_ref())
}
