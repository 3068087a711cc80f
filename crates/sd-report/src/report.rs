//! The report: all its files, in memory.

use plotters::prelude::SeriesLabelPosition::{LowerLeft, MiddleRight};

use crate::chapters::{self, eta, inversion, method, orders, ranking, samplers, tuned, tuned_lines};
use crate::curves::Curves;
use crate::measurements::Measurements;
use crate::plot::{Line, Plot};

/// A file of the report.
pub struct File {
    /// Its path in `docs`.
    pub path: String,
    /// Its contents.
    pub text: String,
}

/// The coloured lines of the two plots of all samplers.
const DETERMINISTIC: [&str; 7] = ["euler", "heun", "plms", "dpm++2m", "unipc", "deis", "lms"];
const STOCHASTIC: [&str; 7] = ["ddpm", "dpm2-a", "dpm++2s-a", "dpm++sde", "dpm++2m-sde", "dpm++3m-sde", "sa-solver"];

/// Makes all measurements and the files of the report.
pub fn report() -> Vec<File> {
    let measurements = Measurements::make();
    let chapters = [
        method(),
        ranking(&measurements),
        samplers(&measurements),
        orders(&measurements),
        tuned(&measurements),
        eta(),
        inversion(),
    ];
    let text = File {
        path: "samplers.md".into(),
        text: chapters.map(|chapter| chapter.trim_end().to_string() + "\n").join("\n"),
    };
    [text].into_iter().chain(plots(&measurements)).collect()
}

/// The plot of each sampler, and the two of all samplers.
fn plots(measurements: &Measurements) -> Vec<File> {
    let curves_of_kind =
        |deterministic| measurements.curves.iter().filter(move |c| c.subject.deterministic() == deterministic);
    let kinds = [
        (true, "all-deterministic", "Deterministic samplers", "error of the image", DETERMINISTIC),
        (false, "all-stochastic", "Samplers with fresh noise", "distance from the data", STOCHASTIC),
    ];
    let files = kinds.into_iter().flat_map(|(deterministic, all, title, measure, names)| {
        let lines: Vec<Line> = curves_of_kind(deterministic).map(line).collect();
        let draw = |title: &str, names: &[&str]| Plot { title, measure, lines: &lines, legend: LowerLeft }.draw(names);
        let file = |name: &str, text| File { path: format!("samplers/{}", chapters::file(name)), text };
        let each =
            curves_of_kind(deterministic).map(|curves| file(curves.name(), draw(curves.name(), &[curves.name()])));
        each.chain([file(all, draw(title, &names))]).collect::<Vec<_>>()
    });
    let lines = tuned_lines(measurements);
    let names: Vec<&str> = lines.iter().map(|line| line.name).collect();
    let (title, measure) = ("Tuned steps on the mixture", "error of the image");
    let text = Plot { title, measure, lines: &lines, legend: MiddleRight }.draw(&names);
    files.chain([File { path: "samplers/all-tuned.svg".into(), text }]).collect()
}

fn line(curves: &Curves) -> Line {
    let points = curves.drawn.iter().flatten().map(|point| (point.calls as f64, point.error));
    Line { name: curves.name(), points: points.collect() }
}
