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

use self::drawn::{Drawn, Model};
use self::plot::Point;
use self::ways::Way;

fn main() -> Result<(), Box<dyn Error>> {
    let argument = |nth: usize, default: &str| env::args().nth(nth).unwrap_or_else(|| default.into());
    let (images, steps, sampler) = (argument(1, "200").parse()?, argument(2, "25").parse()?, argument(3, "dpm++2m"));
    let model = Model::open(images, 0)?;
    let renders = model.renders();
    let usual = Request { sampler: Some(sampler.parse()?), steps: Some(steps), ..Request::new("") };
    let longer = Request { steps: Some(8 * steps), ..usual.clone() };
    let timed = |request: &Request| -> Result<(Drawn, f64), Box<dyn Error>> {
        let began = Instant::now();
        Ok((model.draw(request)?, 1e3 * began.elapsed().as_secs_f64() / images as f64))
    };
    let (converged, plain) = (timed(&longer)?, timed(&usual)?);
    let all = arithmetic(&model, &usual)?;

    println!("{images} held-out captions, {steps} steps of {sampler}\n");
    println!("| | times less arithmetic | ms an image | from plain | from converged | Fréchet distance | captions |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    let print = |name: &str, request: &Request, (drawn, milliseconds): &(Drawn, f64)| {
        let factor = all / arithmetic(&model, request)?;
        let [from_plain, from_converged] = [&plain.0, &converged.0].map(|other| drawn.distance(other));
        let (frechet, right) = (drawn.frechet(&renders), model.right(drawn));
        println!(
            "| {name} | {factor:.2} | {milliseconds:.0} | {from_plain:.4} | {from_converged:.4} | {frechet:.3} | {right:.1} % |"
        );
        Ok::<_, Box<dyn Error>>((1.0 / factor, from_converged))
    };
    print("converged", &longer, &converged)?;
    let (cost, error) = print("plain", &usual, &plain)?;
    let mut points = vec![Point { group: "plain", name: "plain".into(), cost, error }];
    for Way { group, name, request } in ways::ways(&usual, steps)?.into_iter().chain(skipping::ways(&model, &usual)?) {
        let (cost, error) = print(&name, &request, &timed(&request)?)?;
        points.push(Point { group, name, cost, error });
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
