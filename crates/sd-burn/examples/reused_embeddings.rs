//! Prompts are encoded once and drawn with many seeds: `cargo run --release --example reused_embeddings MODEL`.

use std::error::Error;
use std::path::Path;

use sd_burn::{DType, Device, Pipeline, Request};

/// Draws each of two prompts with two seeds.
pub fn reused_embeddings(model: &Path, folder: &Path) -> Result<(), Box<dyn Error>> {
    let pipeline = Pipeline::open(model, &Device::flex(), DType::F32)?;
    let negative = pipeline.encode_prompts(&["blurry"])?;
    for prompt in ["a red house", "two blue boats"] {
        let embeddings = pipeline.encode_prompts(&[prompt])?;
        for seed in 0..2 {
            let plan = pipeline.plan(&Request { seed, steps: Some(10), ..Request::new(prompt) })?;
            let drawn = pipeline.drawing(&plan).embeddings(embeddings.clone(), Some(negative.clone())).run()?;
            drawn.image.save(folder.join(format!("{prompt} {seed}.png")))?;
        }
    }
    Ok(())
}

#[allow(dead_code, reason = "the tests call the function above")]
fn main() -> Result<(), Box<dyn Error>> {
    reused_embeddings(std::env::args().nth(1).ok_or("MODEL is missing")?.as_ref(), ".".as_ref())
}
