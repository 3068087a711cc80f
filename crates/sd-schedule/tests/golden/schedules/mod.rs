//! Compares schedules, timesteps and noise levels with those of diffusers, k-diffusion and ComfyUI in `golden.json` (made by
//! `make.py`), and checks the known differences.

use std::sync::LazyLock;

use sd_schedule::{BetaSchedule, Grid, NoiseLevels, NoiseSchedule, ScheduleError, Spacing};
use serde_json::{Map, Value};

/// Values by name and step count; null where the reference fails or gives NaN.
static GOLDEN: LazyLock<Map<String, Value>> =
    LazyLock::new(|| serde_json::from_str(include_str!("golden.json")).unwrap());

/// Relative: the golden values have 13 digits, and `1 − alpha_bar` loses 4 of 16. All measured errors are within 1e-12.
const TOLERANCE: f64 = 1e-11;

/// Where the references differ, and why; the crate's documentation has the figures.
const DIFFERENT: [(&[&str], &[usize], &str); 10] = [
    (&["ddim trailing", "euler trailing", "dpm trailing"], &[61], "62 steps, the last at timestep -1"),
    (&["ddim leading", "euler leading"], &[1000], "timestep 1000 does not exist; Euler takes 999 twice"),
    (&["dpm leading"], &[999], "timestep 1000 does not exist; 999 is taken twice"),
    (&["dpm leading"], &[1000], "timestep 1 is taken 1000 times"),
    (&["dpm linspace"], &[1000], "timestep 500 is taken twice, 0 never"),
    (&["euler karras linspace", "euler exponential linspace", "euler beta linspace"], &[1], "starts at sigma_min"),
    (
        &["euler karras leading", "euler exponential leading", "euler beta leading"],
        &[1, 2, 3, 7, 10, 28, 30, 50, 999],
        "starts and ends at the levels of the spaced timesteps instead of the training's",
    ),
    (&["euler karras leading", "euler exponential leading", "euler beta leading"], &[1000], "ends at timestep 1"),
    (&["comfy beta"], &[999, 1000], "drops timesteps that rounding made equal: fewer steps"),
    (&["comfy kl_optimal"], &[1], "0/0"),
];

fn schedule(kind: &str) -> (Vec<f64>, NoiseSchedule) {
    let kind = match kind {
        "linear" => BetaSchedule::Linear,
        "scaled_linear" => BetaSchedule::ScaledLinear,
        "squaredcos_cap_v2" => BetaSchedule::SquaredCosCapV2,
        "sigmoid" => BetaSchedule::Sigmoid,
        other => panic!("no golden schedule is called {other}"),
    };
    let betas = kind.betas(1000, 0.00085, 0.012).unwrap();
    let schedule = NoiseSchedule::from_betas(&betas).unwrap();
    (betas, schedule)
}

/// This crate's values for a table of the golden file.
fn table(name: &str) -> Vec<f64> {
    let (what, kind) = name.split_once(' ').unwrap();
    let (betas, schedule) = schedule(kind);
    let alpha_bar = |schedule: NoiseSchedule| (0..schedule.len()).map(|t| schedule.alpha_bar(t)).collect();
    match what {
        "betas" => betas,
        "alpha_bar" => alpha_bar(schedule),
        "zero_snr" => alpha_bar(schedule.with_zero_terminal_snr()),
        other => panic!("no golden table is called {other}"),
    }
}

/// This crate's values for a layout of steps in the golden file.
fn layout(name: &str, steps: usize) -> Result<Vec<f64>, ScheduleError> {
    let (_, schedule) = schedule("scaled_linear");
    let spacing = |name| match name {
        "leading" => Spacing::Leading { offset: 1 },
        "linspace" => Spacing::Linspace,
        "trailing" => Spacing::Trailing,
        other => panic!("no golden spacing is called {other}"),
    };
    let of_timesteps = |timesteps: Vec<f64>| NoiseLevels::of_timesteps(&schedule, &timesteps, 0.0);
    let of_grid = |grid: Grid| grid.levels(&schedule, steps);
    let levels = match name.split(' ').collect::<Vec<_>>()[..] {
        ["ddim", name] => return spacing(name).timesteps(steps, 1000),
        ["lcm" | "tcd"] => return Spacing::Lcm { original_steps: 50 }.timesteps(steps, 1000),
        ["dpm" | "euler" | "k", "karras", ..] => of_grid(Grid::Karras { rho: 7.0 }),
        ["dpm" | "euler" | "k", "exponential", ..] => of_grid(Grid::Exponential),
        ["dpm" | "euler", "beta", ..] => of_grid(Grid::BetaSigmas),
        ["k", "polyexponential"] => of_grid(Grid::Polyexponential { rho: 2.0 }),
        ["k" | "comfy", "normal"] => of_grid(Grid::Normal),
        ["comfy", "sgm_uniform"] => of_grid(Grid::SgmUniform),
        ["comfy", "simple"] => of_grid(Grid::Simple),
        ["comfy", "beta"] => of_grid(Grid::Beta),
        ["comfy", "kl_optimal"] => of_grid(Grid::KlOptimal),
        ["ays", .., "StableDiffusion"] => of_grid(Grid::AysSd1),
        ["ays", .., "StableDiffusionXL"] => of_grid(Grid::AysSdxl),
        ["euler", name] => of_timesteps(spacing(name).fractional(steps, 1000)?),
        ["dpm", name] => of_timesteps(spacing(name).without_last(steps, 1000)?),
        _ => panic!("no golden layout is called {name}"),
    }?;
    Ok([levels.first()].into_iter().chain(levels.pairs().map(|(_, to)| to)).collect())
}

/// The first difference between our values and an excerpt of the reference's: every `every`-th value, the last, and the sum.
fn difference(ours: &[f64], golden: &Value) -> Option<String> {
    let number = |value: &Value| value.as_f64().unwrap();
    let far = |ours: f64, theirs: f64| (ours - theirs).abs() > TOLERANCE * theirs.abs();
    let count = golden["count"].as_u64().unwrap() as usize;
    if ours.len() != count {
        return Some(format!("{} values instead of {count}", ours.len()));
    }
    let every = golden["every"].as_u64().unwrap() as usize;
    let kept = (0..count).step_by(every).chain([count - 1]);
    let values = golden["values"].as_array().unwrap();
    assert_eq!(kept.clone().count(), values.len());
    for (i, theirs) in kept.zip(values.iter().map(number)) {
        if far(ours[i], theirs) {
            return Some(format!("{} instead of {theirs} at {i}", ours[i]));
        }
    }
    let (ours, theirs) = (ours.iter().sum::<f64>(), number(&golden["sum"]));
    far(ours, theirs).then(|| format!("the sum is {ours} instead of {theirs}"))
}

/// The golden layouts, by name and step count.
fn layouts() -> impl Iterator<Item = (&'static str, usize, &'static Value)> {
    GOLDEN.iter().filter_map(|(key, golden)| {
        let (name, steps) = key.rsplit_once(' ')?;
        Some((name, steps.parse().ok()?, golden))
    })
}

fn known(name: &str, steps: usize) -> bool {
    DIFFERENT.iter().any(|(names, counts, _)| names.contains(&name) && counts.contains(&steps))
}

#[test]
fn betas_and_alpha_bars_are_the_references() {
    for what in ["betas", "alpha_bar", "zero_snr"] {
        for kind in ["linear", "scaled_linear", "squaredcos_cap_v2", "sigmoid"] {
            let name = format!("{what} {kind}");
            assert_eq!(difference(&table(&name), &GOLDEN[&name]), None, "{name}");
        }
    }
}

#[test]
fn timesteps_and_levels_are_the_references() {
    let mut compared = 0;
    for (name, steps, golden) in layouts().filter(|(name, steps, _)| !known(name, *steps)) {
        match layout(name, steps) {
            Ok(ours) => assert_eq!(difference(&ours, golden), None, "{name} {steps}"),
            Err(error) => assert!(golden.is_null(), "{name} {steps}: {error}"),
        }
        compared += 1;
    }
    assert!(compared > 250, "{compared}");
}

/// Keeps the list of differences up to date.
#[test]
fn the_known_differences_are_differences() {
    for (name, steps, golden) in layouts().filter(|(name, steps, _)| known(name, *steps)) {
        let same = layout(name, steps).is_ok_and(|ours| !golden.is_null() && difference(&ours, golden).is_none());
        assert!(!same, "{name} {steps}");
    }
    for (names, counts, reason) in DIFFERENT {
        for key in names.iter().flat_map(|name| counts.iter().map(move |steps| format!("{name} {steps}"))) {
            assert!(GOLDEN.contains_key(&key), "{key}: {reason}");
        }
    }
}
