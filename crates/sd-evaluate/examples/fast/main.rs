//! What less arithmetic does to the images of the built-in model, on held-out captions: the table and the plot of docs/fast.md.
//!
//! `cargo run --release --example fast -- IMAGES [STEPS [SAMPLER [PLOT.svg]]]`

#![allow(clippy::print_stdout, reason = "the figures are the output")]

#[path = "../drawn/mod.rs"]
mod drawn;
mod plot;
mod skipping;
mod ways;

use std::env;
use std::error::Error;
use std::fs;
use std::time::Instant;

use sd_pipeline::Request;

use self::drawn::Model;
use self::plot::Point;
use self::ways::Way;

fn main() -> Result<(), Box<dyn Error>> {
    let argument = |nth: usize, default: &str| env::args().nth(nth).unwrap_or_else(|| default.into());
    let (images, steps, sampler) = (argument(1, "200").parse()?, argument(2, "25").parse()?, argument(3, "dpm++2m"));
    let model = Model::open(images, 0)?;
    let renders = model.renders();
    let usual = Request { sampler: Some(sampler.parse()?), steps: Some(steps), ..Request::new("") };
    let longer = Request { steps: Some(8 * steps), ..usual.clone() };
    let (converged, plain) = (model.draw(&longer)?, model.draw(&usual)?);
    let all = arithmetic(&model, &usual)?;

    println!("{images} held-out captions, {steps} steps of {sampler}\n");
    println!("| | times less arithmetic | ms an image | from plain | from converged | Fréchet distance | captions |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    let mut points = Vec::new();
    let once = |group, name: &str, request| Way { group, name: name.into(), request };
    let mut all_ways = vec![once("plain", "plain", usual.clone()), once("plain", "converged", longer)];
    all_ways.extend(ways::ways(&usual, steps)?);
    all_ways.extend(skipping::ways(&model, &usual)?);
    for Way { group, name, request } in all_ways {
        let (began, factor) = (Instant::now(), all / arithmetic(&model, &request)?);
        let drawn = model.draw(&request)?;
        let milliseconds = 1e3 * began.elapsed().as_secs_f64() / images as f64;
        let [from_plain, from_converged] = [&plain, &converged].map(|other| drawn.distance(other));
        let (frechet, right) = (drawn.frechet(&renders), model.right(&drawn));
        println!(
            "| {name} | {factor:.2} | {milliseconds:.0} | {from_plain:.4} | {from_converged:.4} | {frechet:.3} | {right:.1} % |"
        );
        if name != "converged" {
            points.push(Point { group, name, cost: 1.0 / factor, error: from_converged });
        }
    }
    if let Some(file) = env::args().nth(4) {
        fs::write(file, plot::svg(&points)?)?;
    }
    Ok(())
}

/// Multiplications of the network for an image.
fn arithmetic(model: &Model, request: &Request) -> Result<f64, Box<dyn Error>> {
    let caption = model.samples.first().map(|sample| sample.caption.clone());
    let plan = model.pipeline.plan(&Request { prompt: caption, ..request.clone() })?;
    Ok(plan.arithmetic(model.pipeline.model())?.expect("the model reads a text").reused)
}
