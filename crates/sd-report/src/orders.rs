//! How fast errors fall with the number of steps.

use sd_exact::{evenly_in_t, order, stable_diffusion};
use sd_samplers::FreshNoise::Never;
use sd_samplers::SamplerOption;
use sd_schedule::NoiseLevels;

use crate::problems::{Paths, latents, wide_gaussian, wide_mixture};
use crate::subject::Subject;

/// Numbers of steps to which an order is fitted.
pub const STEPS: [usize; 4] = [160, 320, 640, 1280];

/// The same for order 5, whose errors are at the rounding of `f64` beyond.
const FEW_STEPS: [usize; 4] = [20, 40, 80, 160];

/// The fitted orders of a sampler.
pub struct Fit {
    /// The slope of the error: of its images of the Gaussian if it is deterministic, or else of the variances.
    pub gaussian: f64,
    /// The slope of the error of its images of the mixture, if it is deterministic.
    pub mixture: Option<f64>,
    /// The error of the first slope, at the first and the last number of steps.
    pub errors: [f64; 2],
}

impl Fit {
    /// Fits the orders of a sampler on `levels`, which must have the ends of `paths`.
    pub fn new(subject: &Subject, levels: fn(usize) -> NoiseLevels, paths: &Paths) -> Self {
        let steps = if subject.entry.order == Some(5) { FEW_STEPS } else { STEPS };
        let fitted = |error: &dyn Fn(&NoiseLevels) -> f64| steps.map(|steps| (steps, error(&levels(steps))));
        let mixture = subject.deterministic().then(|| order(&fitted(&|levels| subject.image_error(paths, levels))));
        let errors = match subject.deterministic() {
            true => fitted(&|levels| subject.distance(&wide_gaussian(), levels)),
            false => fitted(&|levels| variance_error(subject, levels)),
        };
        Self { gaussian: order(&errors), mixture, errors: [errors[0].1, errors[3].1] }
    }
}

/// The largest relative error of the variances of what a sampler draws.
pub fn variance_error(subject: &Subject, levels: &NoiseLevels) -> f64 {
    let (drawn, exact) = (subject.drawn(&wide_gaussian(), levels), wide_gaussian().marginal(levels.last()));
    let shares = drawn.std.iter().zip(&exact.std).map(|(found, exact)| ((found / exact).powi(2) - 1.0).abs());
    shares.fold(0.0, f64::max)
}

/// The paths of [`evenly_in_t`].
pub fn paths() -> Paths {
    let levels = evenly_in_t(1);
    Paths::new(wide_mixture(), levels.first(), levels.last())
}

/// Returns `steps` steps between the same ends, of which the first and the last are about `3/steps` of a middle one: so
/// the order of the steps shows, and not that of the start and the end.
pub fn shrinking(steps: usize) -> NoiseLevels {
    let t = |i: usize| {
        let u = i as f64 / steps as f64;
        900.0 - 880.0 * u * u * (3.0 - 2.0 * u)
    };
    NoiseLevels::new((0..=steps).map(|i| stable_diffusion().sigma(t(i))).collect()).expect("they fall")
}

/// The error of the step from the smallest level to level 0 alone, for all samplers that make it along a straight line.
pub fn last_step() -> f64 {
    let levels = NoiseLevels::new(vec![stable_diffusion().sigma_min(), 0.0]).expect("they fall");
    Subject::with("ddim", &[], Never).distance(&latents(), &levels)
}

/// Deterministic samplers with the options that the text explains.
pub fn variants() -> Vec<(&'static str, SamplerOption, f64)> {
    use SamplerOption::{Eta, Order, Tau};
    let orders = [("ipndm", 2..=4), ("lms", 2..=4), ("deis", 1..=3), ("unipc", 1..=3)];
    let multistep = orders.into_iter().flat_map(|(name, orders)| orders.map(move |n| (name, Order, f64::from(n))));
    multistep.chain([("dpm++2m-sde", Eta, 0.0), ("dpm++3m-sde", Eta, 0.0), ("sa-solver", Tau, 0.0)]).collect()
}
