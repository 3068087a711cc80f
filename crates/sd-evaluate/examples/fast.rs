//! What less arithmetic does to the images of the built-in model, on held-out captions: the table of docs/fast.md.
//!
//! `cargo run --release --example fast -- IMAGES [STEPS [SAMPLER]]`

#![allow(clippy::print_stdout, reason = "the figures are the output")]

mod drawn;

use std::env;
use std::error::Error;

use sd_pipeline::{Fast, GuidanceOptions, Interval, Request, Reuse};

use self::drawn::{Drawn, Model};

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
    println!("| | times less arithmetic | from plain | from converged | Fréchet distance | captions |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    let print = |name: &str, request: &Request, drawn: &Drawn| -> Result<(), Box<dyn Error>> {
        let factor = all / arithmetic(&model, request)?;
        let [from_plain, from_converged] = [&plain, &converged].map(|other| drawn.distance(other));
        let (frechet, right) = (drawn.frechet(&renders), model.right(drawn));
        println!("| {name} | {factor:.2} | {from_plain:.4} | {from_converged:.4} | {frechet:.3} | {right:.1} % |");
        Ok(())
    };
    print("plain", &usual, &plain)?;
    print("converged", &longer, &converged)?;
    for (name, request) in ways(&usual, steps)? {
        print(&name, &request, &model.draw(&request)?)?;
    }
    Ok(())
}

/// Multiplications of the network for an image.
fn arithmetic(model: &Model, request: &Request) -> Result<f64, Box<dyn Error>> {
    let caption = model.samples.first().map(|sample| sample.caption.clone());
    let plan = model.pipeline.plan(&Request { prompt: caption, ..request.clone() })?;
    Ok(plan.arithmetic(model.pipeline.model())?.expect("the model reads a text").reused)
}

/// The ways to draw with less arithmetic.
fn ways(usual: &Request, steps: usize) -> Result<Vec<(String, Request)>, Box<dyn Error>> {
    let with = |reuse: Reuse| Request { reuse, ..usual.clone() };
    let mut ways = Vec::new();
    for few in [steps * 3 / 5, steps * 2 / 5, steps * 3 / 10] {
        ways.push((format!("{few} steps"), Request { steps: Some(few), ..usual.clone() }));
    }
    for fast in Fast::ALL {
        ways.push((format!("`--fast {fast}`"), Request { fast: Some(fast), ..usual.clone() }));
    }
    for cache in ["2", "3", "4", "5", "3,1", "3,3", "3,6", "5,0,5,1.4"] {
        let deep_cache = Some(cache.parse()?);
        ways.push((format!("`--deep-cache {cache}`"), with(Reuse { deep_cache, ..Reuse::default() })));
    }
    for gate in [0.2, 0.4, 0.6, 0.8] {
        ways.push((format!("`--text-gate {gate}`"), with(Reuse { text_gate: Some(gate), ..Reuse::default() })));
    }
    for every in [2, 3] {
        let reuse = Reuse { guidance_every: Some(every), ..Reuse::default() };
        ways.push((format!("`--guidance-every {every}`"), with(reuse)));
    }
    for to in [0.4, 0.6, 0.8] {
        let guidance_options = GuidanceOptions { interval: Interval { from: 0.0, to }, ..GuidanceOptions::default() };
        ways.push((format!("`--guidance-interval 0,{to}`"), Request { guidance_options, ..usual.clone() }));
    }
    for ratio in [0.3, 0.5] {
        ways.push((format!("`--merge-tokens {ratio}`"), with(Reuse { merge_tokens: Some(ratio), ..Reuse::default() })));
    }
    for (cache, gate) in [("2", 0.6), ("3", 0.4), ("3", 0.6), ("4", 0.4), ("5", 0.4)] {
        let reuse = Reuse { deep_cache: Some(cache.parse()?), text_gate: Some(gate), ..Reuse::default() };
        ways.push((format!("`--deep-cache {cache} --text-gate {gate}`"), with(reuse)));
    }
    for (cache, every) in [("2", 2), ("3", 2)] {
        let reuse = Reuse { deep_cache: Some(cache.parse()?), guidance_every: Some(every), ..Reuse::default() };
        ways.push((format!("`--deep-cache {cache} --guidance-every {every}`"), with(reuse)));
    }
    Ok(ways)
}
