//! The tables of the report, in Markdown.

use crate::{Attribute, Finding, Found, Images, Measurement, Metric, Score};

/// The results of all measurements.
pub(super) struct Findings<'a>(pub &'a [(Measurement, Finding)]);

impl Findings<'_> {
    /// The judged images, and their scores of an attribute.
    pub fn scores(&self, attribute: Attribute) -> impl Iterator<Item = (&Images, Score)> {
        self.0.iter().filter_map(move |(measurement, finding)| match &finding.found {
            Found::Accuracy(judgement) => Some((&measurement.images, judgement.score(attribute))),
            Found::Distance(_) => None,
        })
    }

    /// The compared images, their distance, and the seconds per image.
    pub fn distances(&self) -> impl Iterator<Item = (&Images, f64, f64)> {
        self.0.iter().filter_map(|(measurement, finding)| match finding.found {
            Found::Distance(distance) => Some((&measurement.images, distance, finding.seconds / finding.images as f64)),
            Found::Accuracy(_) => None,
        })
    }

    /// Number of images of a metric; none if it was not measured.
    pub fn images(&self, metric: Metric) -> Option<u64> {
        self.0.iter().find(|(measurement, _)| measurement.metric == metric).map(|(_, finding)| finding.images)
    }

    /// The numbers of steps of distances, rising.
    fn steps(&self) -> Vec<usize> {
        let mut steps: Vec<usize> = self.drawn().map(|(_, steps, ..)| steps).collect();
        steps.sort_unstable();
        steps.dedup();
        steps
    }

    /// The samplers whose distances were measured, in the requested order.
    pub fn samplers(&self) -> Vec<&'static str> {
        let mut names = Vec::new();
        self.drawn().for_each(|(name, ..)| {
            if !names.contains(&name) {
                names.push(name)
            }
        });
        names
    }

    /// Sampler, steps, distance, and seconds per image.
    pub fn drawn(&self) -> impl Iterator<Item = (&'static str, usize, f64, f64)> {
        self.distances().filter_map(|(images, distance, seconds)| match images {
            Images::Samples(drawing) => Some((drawing.sampler.info().name, drawing.steps, distance, seconds)),
            _ => None,
        })
    }

    /// The number of cases, and the share of right ones in per cent, with its interval.
    pub fn accuracy_table(&self) -> String {
        let name = |images: &Images| match images {
            Images::Renders => "renders".to_string(),
            Images::Reconstructions => "reconstructions".to_string(),
            Images::Samples(drawing) => format!("guidance {}", drawing.guidance),
        };
        let columns = self.scores(Attribute::Caption).map(|(images, _)| name(images));
        let head = ["attribute".to_string(), "cases".to_string()].into_iter().chain(columns);
        let rows = Attribute::ALL.into_iter().map(|attribute| {
            let cases = self.scores(attribute).next().map_or(0, |(_, score)| score.cases);
            let scores = self.scores(attribute).map(|(_, score)| percent(score));
            [attribute.to_string(), cases.to_string()].into_iter().chain(scores).collect()
        });
        table(head.collect(), rows)
    }

    /// The distances, a row for each sampler.
    pub fn distance_table(&self) -> String {
        self.by_sampler(|(_, _, distance, _)| number(distance))
    }

    /// Seconds per image, a row for each sampler.
    pub fn cost_table(&self) -> String {
        self.by_sampler(|(.., seconds)| number(seconds))
    }

    fn by_sampler(&self, text: impl Fn((&str, usize, f64, f64)) -> String) -> String {
        let steps = self.steps();
        let head = ["sampler".to_string()].into_iter().chain(steps.iter().map(|steps| format!("{steps} steps")));
        let cell = |name: &str, steps: usize| {
            let found = self.drawn().find(|drawn| (drawn.0, drawn.1) == (name, steps));
            found.map_or("–".into(), &text)
        };
        let rows = self
            .samplers()
            .into_iter()
            .map(|name| [name.to_string()].into_iter().chain(steps.iter().map(|steps| cell(name, *steps))).collect());
        table(head.collect(), rows)
    }
}

/// "97.2 (95.4–98.3)".
fn percent(score: Score) -> String {
    let (low, high) = score.interval();
    match score.cases {
        0 => "–".into(),
        _ => format!("{:.1} ({:.1}–{:.1})", 100.0 * score.share(), 100.0 * low, 100.0 * high),
    }
}

/// Formats a number with at least three digits.
pub(super) fn number(x: f64) -> String {
    let digits = if x.abs() < 1e-9 { 0 } else { (2 - x.abs().log10().floor() as i32).clamp(0, 6) };
    format!("{x:.*}", digits as usize)
}

/// Formats a table; all columns but the first are aligned right.
fn table(head: Vec<String>, rows: impl Iterator<Item = Vec<String>>) -> String {
    let rule = (0..head.len()).map(|i| if i == 0 { "---" } else { "---:" }.to_string()).collect();
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    [head, rule].into_iter().chain(rows).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_digits() {
        let found = [0.0, 0.001234, 0.5, 1.0, 12.345, 1234.5].map(number);
        assert_eq!(found, ["0", "0.00123", "0.500", "1.00", "12.3", "1234"]);
    }

    #[test]
    fn a_score_is_given_with_its_interval() {
        assert_eq!(percent(Score { cases: 263, right: 81 }), "30.8 (25.5–36.6)");
        assert_eq!(percent(Score::default()), "–");
    }
}
