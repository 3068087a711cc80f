use crate::curves::{BUDGETS, Curve, Curves, GRIDS, levels};
use crate::figures::{fill, table, two_digits};
use crate::measurements::Measurements;
use crate::orders::last_step;
use crate::problems::latents_falling;

/// Numbers of network calls at which samplers are ranked.
const RANKED: [usize; 4] = [5, 10, 20, 50];

/// Which sampler to take.
pub fn ranking(measurements: &Measurements) -> String {
    let curves = &measurements.curves;
    let distance = |grid: usize| places(curves, |curves| Some(&curves.distance[grid]));
    let image = |grid: usize| places(curves, |curves| curves.image.as_ref().map(|image| &image[grid]));
    let figure = |name: &str, grid: usize, budget: usize| {
        let curves = curves.iter().find(|curves| curves.name() == name).expect("a sampler of the catalogue");
        two_digits(error_at(&curves.distance[grid], budget).expect("enough calls"))
    };
    let flat = |name: &str, grid: usize| {
        let subject = &curves.iter().find(|curves| curves.name() == name).expect("a sampler").subject;
        two_digits(subject.distance(&latents_falling(0.5), &levels(GRIDS[grid], 20)))
    };
    fill(
        include_str!("../../text/ranking.md"),
        &[
            ("distance_even", distance(0)),
            ("distance_karras", distance(1)),
            ("image_even", image(0)),
            ("image_karras", image(1)),
            ("flat_unipc", flat("unipc", 1)),
            ("flat_2m", flat("dpm++2m", 1)),
            ("flat_hat", flat("ddpm-hat-sigma", 0)),
            ("hat_even_20", figure("ddpm-hat-sigma", 0, 20)),
            ("2m_even_20", figure("dpm++2m", 0, 20)),
            ("2m_karras_20", figure("dpm++2m", 1, 20)),
            ("unipc_even_20", figure("unipc", 0, 20)),
            ("unipc_karras_20", figure("unipc", 1, 20)),
            ("euler_karras_20", figure("euler", 1, 20)),
            ("euler_a_karras_20", figure("euler-a", 1, 20)),
            ("2m_sde_karras_20", figure("dpm++2m-sde", 1, 20)),
            ("3m_sde_even_20", figure("dpm++3m-sde", 0, 20)),
            ("3m_sde_karras_20", figure("dpm++3m-sde", 1, 20)),
            ("2m_sde_karras_10", figure("dpm++2m-sde", 1, 10)),
            ("3m_sde_karras_10", figure("dpm++3m-sde", 1, 10)),
            ("2m_karras_50", figure("dpm++2m", 1, 50)),
            ("last_step", two_digits(last_step())),
            ("heun_karras_50", figure("heun", 1, 50)),
        ],
    )
}

/// Returns the error of a curve at a budget.
pub fn error_at(curve: &Curve, budget: usize) -> Option<f64> {
    let index = BUDGETS.iter().position(|known| *known == budget).expect("a budget that is measured");
    curve[index].map(|point| point.error)
}

/// Makes a table with a column for each budget: all samplers that have the chosen curve, the best first.
fn places<'a>(curves: &'a [Curves], chosen: impl Fn(&'a Curves) -> Option<&'a Curve>) -> String {
    let columns = RANKED.map(|budget| {
        let errors = curves.iter().filter_map(|curves| Some((curves.name(), error_at(chosen(curves)?, budget))));
        column(errors.collect())
    });
    let longest = columns.iter().map(Vec::len).max().expect("four columns");
    let cell = |column: &Vec<String>, i: usize| column.get(i).cloned().unwrap_or_default();
    let row = |i| [format!("{}", i + 1)].into_iter().chain(columns.iter().map(|column| cell(column, i))).collect();
    let head: Vec<String> =
        ["place".to_string()].into_iter().chain(RANKED.map(|budget| format!("{budget} calls"))).collect();
    table(&head, &(0..longest).map(row).collect::<Vec<_>>())
}

/// Makes a column: the best first, samplers that are the same up to rounding in one cell, and those that cannot run last.
fn column(errors: Vec<(&str, Option<f64>)>) -> Vec<String> {
    let mut ran: Vec<(&str, f64)> = errors.iter().filter_map(|&(name, error)| Some((name, error?))).collect();
    ran.sort_by(|a, b| a.1.total_cmp(&b.1));
    let same = |a: &(&str, f64), b: &(&str, f64)| (a.1 / b.1 - 1.0).abs() < 1e-9;
    let in_one = |group: &[(&str, f64)]| {
        // Which of them rounds to less is chance, so they are in the catalogue's order.
        let names = errors.iter().map(|(name, _)| *name).filter(|name| group.iter().any(|(member, _)| member == name));
        format!("{} {}", names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" = "), two_digits(group[0].1))
    };
    let dashes = errors.iter().filter(|(_, error)| error.is_none()).map(|(name, _)| format!("`{name}` –"));
    ran.chunk_by(same).map(in_one).chain(dashes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_are_first_the_same_are_one_and_those_that_cannot_run_are_last() {
        let errors = vec![("a", None), ("b", Some(0.2 + 1e-15)), ("c", Some(0.1)), ("d", Some(0.2))];
        assert_eq!(column(errors), ["`c` 0.10", "`b` = `d` 0.20", "`a` –"]);
    }

    /// The claims of the text, so that they stay true when figures change.
    #[test]
    fn the_text_says_what_the_tables_say() {
        let all = Curves::all();
        let curves = |name: &str| all.iter().find(|curves| curves.name() == name).unwrap();
        let distance = |name: &str, grid: usize, budget| error_at(&curves(name).distance[grid], budget).unwrap();
        for name in ["ipndm", "plms", "deis"] {
            let closer = |grid: usize| all.iter().filter_map(move |curves| error_at(&curves.distance[grid], 10));
            let place = |grid| closer(grid).filter(|error| *error < distance(name, grid, 10)).count();
            assert!(place(0) < 4 && place(1) < 4, "{name} is not among the best four");
        }
        for name in ["unipc", "dpm++2m"] {
            assert!(distance(name, 1, 20) < distance(name, 0, 20) / 4.0, "{name} does not gain by Karras levels");
        }
        for name in ["heun", "dpm2"] {
            assert!(distance(name, 1, 50) > 2.0 * distance("dpm++2m", 1, 50), "{name} pays");
        }
        for (name, budget) in [("dpm++2m-sde", 10), ("dpm++3m-sde", 20)] {
            let stochastic = all.iter().filter(|curves| !curves.subject.deterministic() && curves.name() != name);
            let best =
                stochastic.filter_map(|curves| error_at(&curves.distance[1], budget)).fold(f64::INFINITY, f64::min);
            assert!(distance(name, 1, budget) < best, "{name} is not the closest with fresh noise at {budget} calls");
        }
        assert!(distance("lms", 1, 200) < last_step() / 10.0);
    }
}
