//! The samplers under test, one row each. Every sampler of the catalogue has a row automatically.

use burn::tensor::{Device, Tensor};
use sd_exact::{images, stable_diffusion};
use sd_samplers::FreshNoise::{Never, Path, Steps};
use sd_samplers::SamplerOption::{Eta, Gamma, Order, SChurn, Tau};
use sd_samplers::{CATALOGUE, FreshNoise, Noise, Plms, SaSolver, Sampler, SamplerOption, SamplerSettings, TorchNoise};
use sd_schedule::{NoiseLevels, Prediction};

pub struct Row {
    pub name: String,
    /// Order of convergence: of the images if it is deterministic, else of the distribution's mean and variance.
    pub order: Option<usize>,
    pub fresh: FreshNoise,
    pub sampler: Box<dyn Sampler>,
}

/// Settings of the catalogue's samplers that change their order, their noise or their path through the code.
const SETTINGS: &[(&str, SamplerOption, f64, Option<usize>, FreshNoise)] = &[
    ("ddim", Eta, 0.5, Some(1), Steps),
    ("ddim", Eta, 1.0, Some(1), Steps),
    ("euler", SChurn, 5.0, Some(1), Steps),
    ("heun", SChurn, 30.0, Some(2), Steps),
    ("dpm2", SChurn, 30.0, Some(2), Steps),
    ("euler-a", Eta, 0.5, Some(1), Steps),
    ("dpm2-a", Eta, 0.0, Some(2), Never),
    ("dpm2-a", Eta, 0.5, Some(2), Steps),
    ("dpm++2s-a", Eta, 0.0, Some(2), Never),
    ("dpm++2s-a", Eta, 0.5, Some(2), Steps),
    ("dpm++sde", Eta, 0.0, Some(2), Never),
    ("dpm++sde", Eta, 0.5, Some(2), Path),
    ("dpm++2m-sde", Eta, 0.0, Some(2), Never),
    ("dpm++2m-sde", Eta, 0.5, Some(2), Path),
    ("dpm++3m-sde", Eta, 0.0, Some(2), Never),
    ("dpm++3m-sde", Eta, 0.5, Some(2), Path),
    ("ipndm", Order, 1.0, Some(1), Never),
    ("ipndm", Order, 2.0, Some(2), Never),
    ("ipndm", Order, 3.0, Some(2), Never),
    ("lms", Order, 1.0, Some(1), Never),
    ("lms", Order, 2.0, Some(2), Never),
    ("lms", Order, 3.0, Some(2), Never),
    ("deis", Order, 1.0, Some(1), Never),
    ("deis", Order, 3.0, Some(2), Never),
    ("unipc", Order, 1.0, Some(2), Never),
    ("unipc", Order, 3.0, Some(2), Never),
    ("unipc-bh1", Order, 1.0, Some(2), Never),
    ("unipc-bh1", Order, 3.0, Some(2), Never),
    ("sa-solver", Tau, 0.0, Some(2), Never),
    ("sa-solver", Tau, 0.5, Some(2), Steps),
    ("tcd", Gamma, 0.0, Some(1), Never),
    ("tcd", Gamma, 1.0, None, Steps),
];

/// The whole catalogue with default settings, the settings above, and two samplers that the catalogue does not make.
pub fn rows() -> Vec<Row> {
    let by_default = CATALOGUE.iter().map(|entry| Row {
        name: entry.name.to_string(),
        order: entry.order,
        fresh: entry.fresh,
        sampler: make(entry.name, &[]),
    });
    let settings = SETTINGS.iter().map(|&(name, option, value, order, fresh)| Row {
        name: format!("{name} {option} {value}"),
        order,
        fresh,
        sampler: make(name, &[(option, value)]),
    });
    let row = |name: &str, order, fresh, sampler| Row { name: name.to_string(), order: Some(order), fresh, sampler };
    let others = [
        row(BLENDS_V, 1, Never, Box::new(Plms::new(Prediction::V))),
        row("sa-solver everywhere", 2, Steps, Box::new(SaSolver::new(1.0, 0.0..=f64::INFINITY))),
    ];
    by_default.chain(settings).chain(others).collect()
}

/// What diffusers does with v-networks and the documentation of [`Plms`] advises against.
pub const BLENDS_V: &str = "plms that blends v";

/// Samplers that are not exact on a straight path: besides that one the classical methods in variance-preserving form, where
/// such a path turns.
pub fn is_exact_on_straight_paths(row: &Row) -> bool {
    ![BLENDS_V, "fon", "pf"].contains(&row.name.as_str())
}

/// A sampler of the catalogue.
pub fn make(name: &str, options: &[(SamplerOption, f64)]) -> Box<dyn Sampler> {
    let entry = CATALOGUE.iter().find(|entry| entry.name == name).expect("a name of the catalogue");
    let setting = SamplerSettings { options: options.to_vec(), ..SamplerSettings::new(stable_diffusion()) };
    entry.make(&setting).expect("options that it has")
}

/// The rows without fresh noise.
pub fn deterministic() -> impl Iterator<Item = Row> {
    rows().into_iter().filter(|row| row.fresh == Never)
}

/// The rows with fresh noise.
pub fn stochastic() -> impl Iterator<Item = Row> {
    rows().into_iter().filter(|row| row.fresh != Never)
}

/// A few uneven steps, the last to 0: a method that is exact here is exact anywhere.
pub fn uneven() -> NoiseLevels {
    NoiseLevels::new(vec![14.0, 11.0, 8.0, 5.5, 3.0, 1.6, 0.7, 0.2, 0.03, 0.0]).expect("they fall")
}

/// Eight points of noise at the first of the levels.
pub fn start(levels: &NoiseLevels) -> Tensor<4> {
    TorchNoise::new(3).start(&images(&[[0.0; 2]; 8], &Device::flex())) * levels.first()
}

/// Fails with the list of failures, if there are any.
pub fn assert_none(failures: Vec<String>) {
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

/// Formats the errors at several numbers of steps.
pub fn figures(errors: &[(usize, f64)]) -> String {
    errors.iter().map(|(steps, error)| format!("{steps}: {error:.1e}")).collect::<Vec<_>>().join(", ")
}
