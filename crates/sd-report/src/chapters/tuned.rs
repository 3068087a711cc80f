use sd_samplers::Sampler;

use crate::curves::{Curves, GRIDS, levels};
use crate::figures::{fill, row, table, two_digits};
use crate::measurements::Measurements;
use crate::plot::Line;
use crate::problems::Paths;
use crate::tuned::{Problem, STEPS, Tuned, sampler};

/// Tuned steps beside the usual ones, and on other data than they were tuned on.
pub fn tuned(measurements: &Measurements) -> String {
    let of = |problem| compared(measurements, problem);
    let five = |problem: Problem, found: usize| two_digits(measurements.tuned_error(problem, 5, found));
    let unipc = |steps: usize| two_digits(unipc(Problem::Mixture, &measurements.whole, steps));
    fill(
        include_str!("../../text/tuned.md"),
        &[
            ("gaussian", of(Problem::Gaussian)),
            ("mixture", of(Problem::Mixture)),
            ("elsewhere", elsewhere(measurements)),
            ("levels_5", five(Problem::Mixture, 0)),
            ("weights_5", five(Problem::Mixture, 1)),
            ("unipc_10", unipc(10)),
            ("unipc_15", unipc(15)),
        ],
    )
}

/// The lines of its plot: errors on the mixture.
pub fn tuned_lines(measurements: &Measurements) -> Vec<Line> {
    let usual = |name: &'static str| {
        let curves = measurements.curves.iter().find(|curves| curves.name() == name).expect("a sampler");
        let points = curves.image.as_ref().expect("it is deterministic")[1].iter().flatten();
        Line { name, points: points.map(|point| (point.calls as f64, point.error)).collect() }
    };
    let found = |name, found: usize| {
        let error = |steps: usize| (steps as f64, measurements.tuned_error(Problem::Mixture, steps, found));
        Line { name, points: STEPS.map(error).to_vec() }
    };
    vec![usual("unipc"), usual("ipndm"), found("tuned levels", 0), found("tuned levels and weights", 1)]
}

/// Errors with the usual levels and with tuned steps, at each number of calls.
fn compared(measurements: &Measurements, problem: Problem) -> String {
    let paths = &measurements.whole;
    let at = |error: &dyn Fn(usize) -> f64| STEPS.map(|steps| two_digits(error(steps)));
    let karras = |steps| problem.error_of(&sampler(), &levels(GRIDS[1], steps), paths);
    let needed = |steps: usize| {
        let error = measurements.tuned_error(problem, steps, 1);
        let found = (1..=200).find(|calls| unipc(problem, paths, *calls) <= error);
        found.map_or("more than 200".into(), |calls| calls.to_string())
    };
    let rows = [
        row("`unipc`, Karras", at(&|steps| unipc(problem, paths, steps))),
        row("`ipndm`, Karras", at(&karras)),
        row("`ipndm`, tuned levels", at(&|steps| measurements.tuned_error(problem, steps, 0))),
        row("`ipndm`, tuned levels and weights", at(&|steps| measurements.tuned_error(problem, steps, 1))),
        row("calls of `unipc` for that", STEPS.map(needed)),
    ];
    table(&row("network calls", STEPS.map(|steps| steps.to_string())), &rows)
}

/// Errors of steps that were tuned on the other problem.
fn elsewhere(measurements: &Measurements) -> String {
    let problems =
        [(Problem::Gaussian, Problem::Mixture, "mixture"), (Problem::Mixture, Problem::Gaussian, "Gaussian")];
    let rows = problems.into_iter().flat_map(|(on, judged, name)| {
        [("levels", 0), ("levels and weights", 1)].map(|(kind, found)| {
            let error = |tuned: &Tuned| two_digits(judged.error(&tuned.found[found], &measurements.whole));
            row(format!("{name}, with the other's {kind}"), measurements.tuned(on).iter().map(error))
        })
    });
    table(&row("network calls", STEPS.map(|steps| steps.to_string())), &rows.collect::<Vec<_>>())
}

/// The error of UniPC with Karras levels.
fn unipc(problem: Problem, paths: &Paths, steps: usize) -> f64 {
    let unipc: Box<dyn Sampler> = Curves::sampler("unipc");
    problem.error_of(&unipc, &levels(GRIDS[1], steps), paths)
}
