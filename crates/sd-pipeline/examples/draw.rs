//! Draws an image: `cargo run --release -p sd-pipeline --example draw -- MODEL_FOLDER PROMPT`.

use sd_pipeline::{DType, Device, Pipeline, Request};

fn main() -> Result<(), sd_pipeline::Error> {
    let mut args = std::env::args().skip(1);
    let (folder, prompt) = (args.next().expect("a model folder"), args.next().expect("a prompt"));
    let pipeline = Pipeline::open(folder, &Device::flex(), DType::F32)?;
    let drawn = pipeline.draw(&Request::new(prompt))?;
    drawn.image.save("image.png")
}
