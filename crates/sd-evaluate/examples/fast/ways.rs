use std::error::Error;

use sd_pipeline::{Fast, GuidanceOptions, Interval, Request, Reuse};

/// A way to draw with less arithmetic.
pub struct Way {
    /// What it belongs to, a colour of the plot.
    pub group: &'static str,
    pub name: String,
    pub request: Request,
}

/// Fewer steps, `--fast`, each flag alone, and some together.
pub fn ways(usual: &Request, steps: usize) -> Result<Vec<Way>, Box<dyn Error>> {
    let mut ways = Vec::new();
    let mut add = |group, name: String, request| ways.push(Way { group, name, request });
    let with = |reuse: Reuse| Request { reuse, ..usual.clone() };
    for few in [steps * 3 / 5, steps * 2 / 5, steps * 3 / 10, steps / 5] {
        add("fewer steps", format!("{few} steps"), Request { steps: Some(few), ..usual.clone() });
    }
    for fast in Fast::ALL {
        add("--fast", format!("`--fast {fast}`"), Request { fast: Some(fast), ..usual.clone() });
    }
    for cache in ["2", "3", "4", "5", "2,1", "3,1", "3,3", "5,0,5,1.4"] {
        let reuse = Reuse { deep_cache: Some(cache.parse()?), ..Reuse::default() };
        add("--deep-cache", format!("`--deep-cache {cache}`"), with(reuse));
    }
    for gate in [0.2, 0.4, 0.6, 0.8] {
        let reuse = Reuse { text_gate: Some(gate), ..Reuse::default() };
        add("--text-gate", format!("`--text-gate {gate}`"), with(reuse));
    }
    for every in [2, 3] {
        let reuse = Reuse { guidance_every: Some(every), ..Reuse::default() };
        add("less guidance", format!("`--guidance-every {every}`"), with(reuse));
    }
    for to in [0.4, 0.6, 0.8] {
        let guidance_options = GuidanceOptions { interval: Interval { from: 0.0, to }, ..GuidanceOptions::default() };
        add("less guidance", format!("`--guidance-interval 0,{to}`"), Request { guidance_options, ..usual.clone() });
    }
    for ratio in [0.3, 0.5] {
        let reuse = Reuse { merge_tokens: Some(ratio), ..Reuse::default() };
        add("--merge-tokens", format!("`--merge-tokens {ratio}`"), with(reuse));
    }
    for (cache, gate) in [("2", 0.6), ("2", 0.8), ("3", 0.4), ("3", 0.6), ("3", 0.8), ("4", 0.4), ("5", 0.4)] {
        let reuse = Reuse { deep_cache: Some(cache.parse()?), text_gate: Some(gate), ..Reuse::default() };
        add("together", format!("`--deep-cache {cache} --text-gate {gate}`"), with(reuse));
    }
    for (cache, every) in [("2", 2), ("2,1", 2), ("3", 2)] {
        let reuse = Reuse { deep_cache: Some(cache.parse()?), guidance_every: Some(every), ..Reuse::default() };
        add("together", format!("`--deep-cache {cache} --guidance-every {every}`"), with(reuse));
    }
    for (few, cache) in [(20, "2"), (15, "2"), (15, "3"), (10, "2")] {
        let reuse = Reuse { deep_cache: Some(cache.parse()?), ..Reuse::default() };
        let request = Request { steps: Some(steps * few / 25), reuse, ..usual.clone() };
        add("together", format!("{few} steps, `--deep-cache {cache}`"), request);
    }
    Ok(ways)
}
