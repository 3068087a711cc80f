use sd_pipeline::{CATALOGUE, Error, FreshNoise, OptionRange, SamplerOption, Schedule};

use crate::print::print;

/// Prints the samplers, their options, and the schedules.
pub fn run() -> Result<(), Error> {
    let mut text =
        format!("{:<15} {:<6} {:<6} {:<22} {:<37} OPTIONS\n", "SAMPLER", "ORDER", "CALLS", "NOISE", "SOURCE");
    for entry in CATALOGUE {
        let noise = match entry.fresh {
            FreshNoise::Never => "none",
            FreshNoise::Steps => "fresh in each step",
            FreshNoise::Path => "along a Brownian path",
        };
        let order = entry.order.map_or("-".into(), |order| order.to_string());
        let options: Vec<String> = entry.options.iter().map(|range| format!("--{}", range.option)).collect();
        let (name, calls, source, options) = (entry.name, entry.calls, entry.source, options.join(" "));
        let line = format!("{name:<15} {order:<6} {calls:<6} {noise:<22} {source:<37} {options}");
        text += &format!("{}\n", line.trim_end());
    }
    text += LEGEND;
    text += "\nOptions:\n";
    for option in SamplerOption::ALL {
        text += &format!("  {:<11} {}\n", format!("--{option}"), ranges(option).join("; "));
    }
    let schedules: Vec<&str> = Schedule::NAMED.iter().map(|(name, _)| *name).collect();
    text +=
        &format!("\nSchedules: {}, timesteps:T,T,..., sigmas:S,S,...,0 and files of `sd tune`\n", schedules.join(", "));
    print(&text);
    Ok(())
}

const LEGEND: &str = "
ORDER  order of convergence: twice the steps make errors 2^ORDER times smaller
CALLS  network calls per step; some samplers make a few more at the start or fewer at the end, and pf as many more as needed
NOISE  fresh in each step: the image depends on the number of steps; along a Brownian path: it converges
";

/// The ranges and defaults of an option, each with the samplers that have them.
fn ranges(option: SamplerOption) -> Vec<String> {
    let mut ranges: Vec<(&OptionRange, Vec<&str>)> = Vec::new();
    for entry in CATALOGUE {
        let Some(range) = entry.options.iter().find(|range| range.option == option) else { continue };
        match ranges.iter_mut().find(|(known, _)| *known == range) {
            Some((_, names)) => names.push(entry.name),
            None => ranges.push((range, vec![entry.name])),
        }
    }
    ranges.iter().map(|(range, names)| format!("{} ({})", describe(range), names.join(", "))).collect()
}

/// Describes a range and its default.
fn describe(option: &OptionRange) -> String {
    let (start, end, default) = (option.range.start(), option.range.end(), option.default);
    let range = if end.is_finite() { format!("{start} to {end}") } else { format!("from {start}") };
    if default.is_finite() { format!("{range}, by default {default}") } else { range }
}
