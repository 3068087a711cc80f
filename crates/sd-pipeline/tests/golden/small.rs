//! An image that shows whether two models are the same.

use sd_pipeline::{DType, Device, Image, Model, Pipeline, Request};

/// A small image, whose prompts contain text on which tokenizers differ.
pub fn draw(model: Model) -> Image {
    let request = Request {
        negative_prompt: Some("blurry!".into()),
        width: Some(32),
        height: Some(16),
        steps: Some(4),
        ..Request::new("A red house, by the sea!")
    };
    Pipeline::load(model, &Device::flex(), DType::F32).unwrap().draw(&request).unwrap().image
}
