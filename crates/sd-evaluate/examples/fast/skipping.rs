//! Calls that are left out whole where the network's input has changed little, as TeaCache and its kind do.
//!
//! With Euler's method, and so with `ddim`, a step that takes the last prediction again is the rest of a longer step: leaving calls out is
//! choosing fewer levels. So the rule needs no code in the pipeline to be measured: it chooses levels.

use std::error::Error;
use std::ops::ControlFlow;

use sd_pipeline::{Request, Schedule, StepEnd};

use super::drawn::Model;
use super::ways::Way;

/// Images on which the change is measured.
const IMAGES: usize = 16;

/// `ddim` with as many levels as the rule leaves, with evenly chosen ones, and the usual sampler with the rule's.
pub fn ways(model: &Model, usual: &Request) -> Result<Vec<Way>, Box<dyn Error>> {
    let ddim = Request { sampler: Some("ddim".parse()?), ..usual.clone() };
    let (levels, changes) = changes(model, &ddim)?;
    let mut ways = Vec::new();
    for calls in [levels.len() * 3 / 5, levels.len() * 2 / 5] {
        let schedule = Schedule::Sigmas(kept(&levels, &changes, calls).into_iter().chain([0.0]).collect());
        let mut add = |name: String, request: Request| ways.push(Way { group: "whole calls", name, request });
        add(format!("{calls} steps of `ddim`"), Request { steps: Some(calls), ..ddim.clone() });
        for request in [&ddim, usual] {
            let sampler = request.sampler.expect("every request here has one");
            let request = Request { steps: None, schedule: Some(schedule.clone()), ..request.clone() };
            add(format!("calls left out down to {calls}, `{sampler}`"), request);
        }
    }
    Ok(ways)
}

/// The levels of all calls, and the mean relative change of the network's input since the call before; of the first two, more than any.
fn changes(model: &Model, request: &Request) -> Result<(Vec<f64>, Vec<f64>), Box<dyn Error>> {
    let samples = model.samples.iter().take(IMAGES);
    let plans = samples.zip(model.seed..).map(|(sample, seed)| {
        model.pipeline.plan(&Request { prompt: Some(sample.caption.clone()), seed, ..request.clone() })
    });
    let plans = plans.collect::<Result<Vec<_>, _>>()?;
    let mut inputs: Vec<Vec<f64>> = Vec::new();
    let mut after = |end: &mut StepEnd| {
        let latents: Vec<f32> = end.latents.clone().into_data().try_to_vec().expect("latents are f32");
        let scale = end.sigma.hypot(1.0).recip();
        inputs.push(latents.into_iter().map(|x| f64::from(x) * scale).collect());
        ControlFlow::Continue(())
    };
    model.pipeline.drawings(&plans).after_step(&mut after).latents()?;
    let size = |values: &mut dyn Iterator<Item = f64>| values.map(f64::abs).sum::<f64>();
    let change = |pair: &[Vec<f64>]| {
        let difference = size(&mut pair[1].iter().zip(&pair[0]).map(|(now, before)| now - before));
        difference / size(&mut pair[0].iter().copied())
    };
    let levels = plans[0].settings.sampling.levels.value.sigmas();
    let changes = [f64::INFINITY; 2].into_iter().chain(inputs.windows(2).map(change));
    Ok((levels[..levels.len() - 1].to_vec(), changes.take(levels.len() - 1).collect()))
}

/// The levels whose calls are made, so many: where the change since the last one made, summed up, reaches a threshold.
fn kept(levels: &[f64], changes: &[f64], calls: usize) -> Vec<f64> {
    let at = |threshold: f64| {
        let mut sum = 0.0;
        let is_kept = |(_, change): &(&f64, &f64)| {
            sum += **change;
            let is_kept = sum >= threshold;
            if is_kept {
                sum = 0.0;
            }
            is_kept
        };
        levels.iter().zip(changes).filter(is_kept).map(|(level, _)| *level).collect::<Vec<f64>>()
    };
    (1..).map(|i| at(f64::from(i) * 1e-4)).find(|kept| kept.len() <= calls).expect("two calls are always made")
}
