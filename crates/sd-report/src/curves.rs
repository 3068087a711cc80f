//! The error of each sampler against its number of network calls.

use sd_exact::{Mixture, stable_diffusion};
use sd_samplers::{CATALOGUE, Sampler, SamplerOption, SamplerSettings};
use sd_schedule::{Grid, NoiseLevels};

use crate::problems::{Paths, latents};
use crate::subject::Subject;

/// Numbers of network calls at which errors are measured.
pub const BUDGETS: [usize; 11] = [5, 7, 10, 14, 20, 30, 50, 70, 100, 140, 200];

/// The two grids that are measured: evenly in `t`, and that of Karras et al.
pub const GRIDS: [Grid; 2] = [Grid::Normal, Grid::Karras { rho: 7.0 }];

/// Returns the levels of a grid for Stable Diffusion's noise; the last step goes to level 0.
pub fn levels(grid: Grid, steps: usize) -> NoiseLevels {
    grid.levels(&stable_diffusion(), steps).expect("at least one step")
}

/// Returns the second of [`GRIDS`] without its last step: down to Stable Diffusion's smallest level, 0.029, where the
/// order of a sampler still shows.
pub fn short_levels(steps: usize) -> NoiseLevels {
    let whole = levels(GRIDS[1], steps + 1);
    NoiseLevels::new(whole.pairs().map(|(from, _)| from).collect()).expect("two levels or more")
}

/// The error of a sampler at a budget of network calls.
#[derive(Debug, Clone, Copy)]
pub struct Point {
    /// Steps within the budget.
    pub steps: usize,
    /// Their calls, at most the budget.
    pub calls: usize,
    /// The error.
    pub error: f64,
}

/// A point for each of [`BUDGETS`]; none if the sampler cannot run.
pub type Curve = [Option<Point>; BUDGETS.len()];

/// The curves of a sampler.
pub struct Curves {
    /// The sampler.
    pub subject: Subject,
    /// Its distance from the Gaussian data, on each of [`GRIDS`]; none if it is adaptive, so that its walks are not affine.
    pub distance: [Curve; 2],
    /// The errors of its images of the mixture, if it is deterministic.
    pub image: Option<[Curve; 2]>,
    /// The curve of its plot, on [`short_levels`]: the errors of its images if it is deterministic, or else the distance.
    pub drawn: Curve,
}

impl Curves {
    /// Measures the whole catalogue.
    pub fn all() -> Vec<Self> {
        let top = stable_diffusion().sigma_max();
        let paths = [0.0, stable_diffusion().sigma_min()].map(|last| Paths::new(Mixture::ring(), top, last));
        Subject::all().into_iter().map(|subject| Self::new(subject, &paths)).collect()
    }

    fn new(subject: Subject, [whole, short]: &[Paths; 2]) -> Self {
        let data = latents();
        let distance = |levels: &NoiseLevels| subject.distance(&data, levels);
        let image = |levels: &NoiseLevels| subject.image_error(whole, levels);
        let short_image = |levels: &NoiseLevels| subject.image_error(short, levels);
        let deterministic = subject.deterministic();
        if subject.adaptive() {
            let image = [0; 2].map(|_| curve_of_tolerances(&subject, whole, &levels(GRIDS[1], 2)));
            let drawn = curve_of_tolerances(&subject, short, &short_levels(1));
            return Self { distance: [[None; BUDGETS.len()]; 2], image: Some(image), drawn, subject };
        }
        Self {
            distance: GRIDS.map(|grid| curve(&subject, |steps| levels(grid, steps), distance)),
            image: deterministic.then(|| GRIDS.map(|grid| curve(&subject, |steps| levels(grid, steps), image))),
            drawn: match deterministic {
                true => curve(&subject, short_levels, short_image),
                false => curve(&subject, short_levels, distance),
            },
            subject,
        }
    }

    /// Makes a sampler of the catalogue with its default options.
    ///
    /// # Panics
    ///
    /// Panics if there is no such sampler.
    pub fn sampler(name: &str) -> Box<dyn Sampler> {
        let entry = CATALOGUE.iter().find(|entry| entry.name == name).expect("a sampler of the catalogue");
        entry.make(&SamplerSettings::new(stable_diffusion())).expect("its defaults")
    }

    /// The name of the sampler.
    pub fn name(&self) -> &'static str {
        self.subject.entry.name
    }
}

/// The errors of an adaptive sampler's images of the mixture: at each budget, with the smallest tolerance whose calls fit in.
fn curve_of_tolerances(subject: &Subject, paths: &Paths, levels: &NoiseLevels) -> Curve {
    let measured: Vec<(usize, f64)> = (2..=17)
        .map(|half_digits| {
            let tolerance = (SamplerOption::Tolerance, 10_f64.powf(-f64::from(half_digits) / 2.0));
            Subject::with(subject.entry.name, &[tolerance], subject.fresh).counted(paths, levels)
        })
        .collect();
    BUDGETS.map(|budget| {
        let &(calls, error) = measured.iter().rfind(|(calls, _)| *calls <= budget)?;
        Some(Point { steps: levels.steps(), calls, error })
    })
}

fn curve(subject: &Subject, levels: impl Fn(usize) -> NoiseLevels, error: impl Fn(&NoiseLevels) -> f64) -> Curve {
    BUDGETS.map(|budget| {
        let levels = subject.within(budget, &levels)?;
        Some(Point { steps: levels.steps(), calls: subject.calls(&levels), error: error(&levels) })
    })
}
