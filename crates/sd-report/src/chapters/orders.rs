use sd_exact::evenly_in_t;
use sd_samplers::FreshNoise::{Never, Path, Steps};

use super::ranking::error_at;
use crate::figures::{fill, row, table, two_digits};
use crate::measurements::Measurements;
use crate::orders::{Fit, last_step, paths, shrinking, variance_error, variants};
use crate::subject::Subject;

/// The orders of samplers, and why some fall short.
pub fn orders(measurements: &Measurements) -> String {
    let curves = |name: &str| measurements.curves.iter().find(|curves| curves.name() == name).expect("a sampler");
    let whole = |name: &str, grid: usize, calls| {
        two_digits(error_at(&curves(name).distance[grid], calls).expect("enough calls"))
    };
    let midpoint = |fresh| Subject::with("dpm++sde", &[], fresh);
    let order = |fresh| format!("{:.2}", Fit::new(&midpoint(fresh), evenly_in_t, &paths()).gaussian);
    let lost = |fresh| two_digits(variance_error(&midpoint(fresh), &evenly_in_t(15)));
    fill(
        include_str!("../../text/orders.md"),
        &[
            ("deterministic", deterministic(measurements)),
            ("stochastic", stochastic(measurements)),
            ("variants", with_options()),
            ("last_step", two_digits(last_step())),
            ("lms_whole", whole("lms", 1, 200)),
            ("2m_whole", whole("dpm++2m", 1, 200)),
            ("sde_path", order(Path)),
            ("sde_steps", order(Steps)),
            ("sde_path_15", lost(Path)),
            ("sde_steps_15", lost(Steps)),
            ("restart_100", whole("restart", 0, 100)),
            ("restart_200", whole("restart", 0, 200)),
            ("lcm_200", whole("lcm", 0, 200)),
            ("tcd_200", whole("tcd", 0, 200)),
        ],
    )
}

fn deterministic(measurements: &Measurements) -> String {
    let all = measurements.curves.iter().zip(&measurements.fits);
    let rows = all.filter_map(|(curves, fit)| {
        let orders = [catalogue(&curves.subject), two_places(fit.gaussian), two_places(fit.mixture?)];
        Some(row(format!("`{}`", curves.name()), orders.into_iter().chain(fit.errors.map(two_digits))))
    });
    let head = ["catalogue", "Gaussian", "mixture", "error at 160", "at 1280"].map(String::from);
    table(&row("sampler", head), &rows.collect::<Vec<_>>())
}

fn stochastic(measurements: &Measurements) -> String {
    let all = measurements.curves.iter().zip(&measurements.fits);
    let rows = all.filter(|(curves, _)| !curves.subject.deterministic()).map(|(curves, fit)| {
        let orders = [catalogue(&curves.subject), two_places(fit.gaussian)];
        row(format!("`{}`", curves.name()), orders.into_iter().chain(fit.errors.map(two_digits)))
    });
    let head = ["catalogue", "variance", "error at 160", "at 1280"].map(String::from);
    table(&row("sampler", head), &rows.collect::<Vec<_>>())
}

/// Deterministic samplers with other options, on two layouts of levels.
fn with_options() -> String {
    let paths = paths();
    let rows = variants().into_iter().map(|(name, option, value)| {
        let subject = Subject::with(name, &[(option, value)], Never);
        let [even, shrinking] = [evenly_in_t, shrinking].map(|levels| Fit::new(&subject, levels, &paths));
        let orders = [even.gaussian, shrinking.gaussian].map(two_places);
        row(format!("`{name}`, `{option}` {value}"), orders.into_iter().chain([two_digits(even.errors[0])]))
    });
    let head = ["evenly in t", "steps that shrink towards both ends", "error at 160, evenly"].map(String::from);
    table(&row("sampler", head), &rows.collect::<Vec<_>>())
}

fn catalogue(subject: &Subject) -> String {
    subject.entry.order.map_or("none".to_string(), |order| order.to_string())
}

fn two_places(order: f64) -> String {
    format!("{order:.2}")
}
