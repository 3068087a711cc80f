use sd_samplers::{FreshNoise, OptionRange, SamplerInfo};

use crate::curves::{BUDGETS, Curve, Curves};
use crate::figures::{fill, row, table, two_digits};
use crate::measurements::Measurements;
use crate::orders::Fit;

/// Numbers of network calls in the table of each sampler.
const SHOWN: [usize; 6] = [5, 10, 20, 50, 100, 200];

/// When to use which: a line for each sampler, its name first.
const ADVICE: &str = include_str!("../../text/advice.txt");

/// Each sampler by itself.
pub fn samplers(measurements: &Measurements) -> String {
    let sections = measurements.curves.iter().zip(&measurements.fits).map(|(curves, fit)| section(curves, fit));
    fill(include_str!("../../text/samplers.md"), &[("samplers", sections.collect::<Vec<_>>().join("\n"))])
}

/// The file name of a sampler's plot, without characters that links cannot contain.
pub fn file(name: &str) -> String {
    format!("{}.svg", name.replace("++", "pp-"))
}

fn section(curves: &Curves, fit: &Fit) -> String {
    let name = curves.name();
    let advice = ADVICE.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).expect("a line of advice");
    format!(
        "### `{name}`\n\n{}\n\n{advice}\n\n![{name}](samplers/{})\n\n{}\n{}\n",
        facts(curves.subject.entry),
        file(name),
        errors(curves),
        fitted(curves, fit)
    )
}

/// The line of the catalogue's facts.
fn facts(entry: &SamplerInfo) -> String {
    let order = entry.order.map_or("No order".to_string(), |order| format!("Order {order}"));
    let calls = if entry.calls == 1 {
        "1 network call per step".to_string()
    } else {
        format!("{} network calls per step", entry.calls)
    };
    let noise = match entry.fresh {
        FreshNoise::Never => "deterministic",
        FreshNoise::Steps => "fresh noise in each step",
        FreshNoise::Path => "noise of a Brownian path",
    };
    let options: Vec<String> = entry.options.iter().map(option).collect();
    let options = if options.is_empty() { "no options".to_string() } else { options.join(", ") };
    format!("*{order} · {calls} · {noise} · {} · {options}*", entry.source)
}

fn option(option: &OptionRange) -> String {
    let number = |x: f64| if x.is_infinite() { "∞".to_string() } else { format!("{x}") };
    let (low, high) = (number(*option.range.start()), number(*option.range.end()));
    format!("`{}` {} ({low} to {high})", option.option, number(option.default))
}

/// The table of errors at some numbers of calls.
fn errors(curves: &Curves) -> String {
    let shown = |curve: &Curve, text: fn(usize, f64) -> String| -> Vec<String> {
        let points = BUDGETS.iter().zip(curve).filter(|(budget, _)| SHOWN.contains(budget));
        points.map(|(_, point)| point.map_or("–".to_string(), |point| text(point.steps, point.error))).collect()
    };
    let error = |name: &str, curve: &Curve| row(name, shown(curve, |_, error| two_digits(error)));
    let [even, karras] = &curves.distance;
    let mut rows = vec![
        row("steps", shown(even, |steps, _| steps.to_string())),
        error("Gaussian, evenly in t", even),
        error("Gaussian, Karras", karras),
    ];
    if let Some([even, karras]) = &curves.image {
        rows.extend([error("mixture, evenly in t", even), error("mixture, Karras", karras)]);
    }
    table(&row("network calls, at most", SHOWN.map(|calls| calls.to_string())), &rows)
}

fn fitted(curves: &Curves, fit: &Fit) -> String {
    let catalogue = curves.subject.entry.order;
    match (fit.mixture, catalogue) {
        (Some(mixture), _) => {
            format!("Fitted order: {:.2} on the Gaussian, {mixture:.2} on the mixture.", fit.gaussian)
        }
        (None, Some(_)) => format!("Fitted order of the variance: {:.2}.", fit.gaussian),
        (None, None) => "It has no order to fit.".to_string(),
    }
}

#[cfg(test)]
mod tests {
    use sd_samplers::CATALOGUE;

    use super::*;

    #[test]
    fn there_is_one_line_of_advice_for_each_sampler() {
        let advised: Vec<&str> = ADVICE.lines().filter_map(|line| Some(line.split_once(": ")?.0)).collect();
        assert_eq!(advised, CATALOGUE.iter().map(|entry| entry.name).collect::<Vec<_>>());
    }

    #[test]
    fn the_facts_are_those_of_the_catalogue() {
        let lms = CATALOGUE.iter().find(|entry| entry.name == "lms").unwrap();
        let expected = "*Order 2 · 1 network call per step · deterministic · k-diffusion · `order` 4 (1 to 4)*";
        assert_eq!(facts(lms), expected);
    }
}
