//! A sampler of your own draws with a model: `cargo run --release --example own_sampler MODEL`.

use std::error::Error;
use std::path::Path;

use sd_burn::burn::tensor::Tensor;
use sd_burn::samplers::{DenoiseError, Sampler, StepContext};
use sd_burn::{DType, Device, Pipeline, Request};

/// The midpoint method: the slope in the middle of a step carries all of it.
struct Midpoint;

impl Sampler for Midpoint {
    fn step(&self, context: &mut StepContext, x: Tensor<4>, from: f64, to: f64) -> Result<Tensor<4>, DenoiseError> {
        let middle = (from + to) / 2.0;
        let slope = (x.clone() - context.model.denoise(x.clone(), from)?) / from;
        let halfway = x.clone() + slope * (middle - from);
        let slope = (halfway.clone() - context.model.denoise(halfway, middle)?) / middle;
        Ok(x + slope * (to - from))
    }

    fn calls(&self, levels: &sd_burn::NoiseLevels) -> usize {
        2 * levels.steps()
    }
}

/// Draws with [`Midpoint`].
pub fn own_sampler(model: &Path, output: &Path) -> Result<(), Box<dyn Error>> {
    let pipeline = Pipeline::open(model, &Device::flex(), DType::F32)?;
    let plan = pipeline.plan(&Request { steps: Some(10), ..Request::new("a lighthouse at dusk") })?;
    pipeline.drawing(&plan).sampler(&Midpoint).run()?.image.save(output)?;
    Ok(())
}

#[allow(dead_code, reason = "the tests call the function above")]
fn main() -> Result<(), Box<dyn Error>> {
    own_sampler(std::env::args().nth(1).ok_or("MODEL is missing")?.as_ref(), "own_sampler.png".as_ref())
}
