//! Different requests to one pipeline; those with the same settings are drawn together: `cargo run --release --example batch MODEL`.

use std::error::Error;
use std::path::Path;

use sd_burn::{DType, Device, Pipeline, Plan, Request};

/// Draws three requests, two of them in one batch.
pub fn batch(model: &Path, folder: &Path) -> Result<(), Box<dyn Error>> {
    let pipeline = Pipeline::open(model, &Device::flex(), DType::F32)?;
    let requests = [
        Request { seed: 1, steps: Some(10), ..Request::new("a red house") },
        Request { seed: 2, steps: Some(10), ..Request::new("two blue boats") },
        Request { seed: 3, steps: Some(8), sampler: Some("dpm++2m".parse()?), ..Request::new("a tree at night") },
    ];
    let plans = requests.iter().map(|request| pipeline.plan(request)).collect::<Result<Vec<Plan>, _>>()?;
    for (drawn, request) in pipeline.drawings(&plans).run_all()?.iter().zip(&requests) {
        drawn.image.save(folder.join(format!("{}.png", request.seed)))?;
    }
    Ok(())
}

#[allow(dead_code, reason = "the tests call the function above")]
fn main() -> Result<(), Box<dyn Error>> {
    batch(std::env::args().nth(1).ok_or("MODEL is missing")?.as_ref(), ".".as_ref())
}
