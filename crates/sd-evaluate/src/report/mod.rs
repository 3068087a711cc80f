//! The report of an evaluation: a Markdown file and two plots.

mod plot;
mod tables;

use std::path::Path;

use sd_weights::write_atomically;

use crate::{Attribute, EvaluateError, Finding, Images, Measurement, Metric};
use plot::{Line, Plot};
use tables::{Findings, number};

/// Writes `evaluation.md`, `accuracy.svg` and `distance.svg` to a folder.
///
/// # Errors
///
/// [`EvaluateError::Io`].
pub fn write_report(findings: &[(Measurement, Finding)], folder: &Path) -> Result<(), EvaluateError> {
    let findings = Findings(findings);
    let text = [accuracy(&findings), distance(&findings)].into_iter().flatten().collect::<Vec<_>>().join("\n");
    for (name, text) in [
        ("evaluation.md", text),
        ("accuracy.svg", accuracy_plot(&findings)),
        ("distance.svg", distance_plot(&findings)),
    ] {
        let file = folder.join(name);
        write_atomically(&file, |file| file.write_all(text.as_bytes())).map_err(EvaluateError::io(&file))?;
    }
    Ok(())
}

fn accuracy(findings: &Findings) -> Option<String> {
    let images = findings.images(Metric::Accuracy)?;
    Some(format!(
        "### How often images show what their captions say\n\n\
         {images} held-out captions; only attributes in the caption count. The classifier reads each image back into\n\
         a scene. In per cent, with 95 % intervals (Wilson); renders are right images.\n\n\
         {}\n![Accuracy against guidance](accuracy.svg)\n",
        findings.accuracy_table()
    ))
}

fn distance(findings: &Findings) -> Option<String> {
    let images = findings.images(Metric::Distance)?;
    let marks: String =
        marks(findings).iter().map(|(distance, name)| format!("- {name}: {}\n", number(*distance))).collect();
    Some(format!(
        "### How far samples are from the data\n\n\
         The squared Fréchet distance in the classifier's features between {images} images of held-out captions and\n\
         {images} renders of other held-out scenes. Images without a sampler have the smallest distances to expect:\n\n{marks}\n{}\n![Distance against steps](distance.svg)\n\nSeconds per image:\n\n{}",
        findings.distance_table(),
        findings.cost_table(),
    ))
}

/// The distances of images that were drawn without a sampler.
fn marks(findings: &Findings) -> Vec<(f64, &'static str)> {
    let mark = |(images, distance, _): (&Images, f64, f64)| match images {
        Images::Renders => Some((distance, "renders")),
        Images::Reconstructions => Some((distance, "reconstructions")),
        Images::Samples(_) => None,
    };
    findings.distances().filter_map(mark).collect()
}

fn accuracy_plot(findings: &Findings) -> String {
    let line = |attribute: Attribute| {
        let points = findings.scores(attribute).filter_map(|(images, score)| match images {
            Images::Samples(drawing) if score.cases > 0 => Some((drawing.guidance, score.share())),
            _ => None,
        });
        let mut points: Vec<_> = points.collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        Line { name: attribute.to_string(), points }
    };
    let axes = ["guidance", "share of right attributes"];
    Plot { title: "What images show", axes, lines: &Attribute::ALL.map(line), marks: &[] }.shares()
}

fn distance_plot(findings: &Findings) -> String {
    let line = |name: &str| {
        let points = findings.drawn().filter(|drawn| drawn.0 == name && drawn.2 > 0.0);
        let mut points: Vec<_> = points.map(|(_, steps, distance, _)| (steps as f64, distance)).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        Line { name: name.to_string(), points }
    };
    let lines: Vec<Line> = findings.samplers().into_iter().map(line).collect();
    let axes = ["steps", "squared Fréchet distance"];
    Plot { title: "Distance from the data", axes, lines: &lines, marks: &marks(findings) }.logarithmic()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Drawing, Found, Judgement};
    use sd_scenes::{CaptionFacts, Scene};

    fn drawn(sampler: &str, steps: usize, guidance: f64) -> Images {
        Images::Samples(Drawing { sampler: sampler.parse().unwrap(), steps, guidance })
    }

    #[test]
    fn a_report_has_every_finding_and_both_plots() {
        let mut judgement = Judgement::default();
        (0..40).for_each(|seed| judgement.judge(&CaptionFacts::all(&Scene::random(seed)), &Scene::random(seed % 37)));
        let judged = [Images::Renders, drawn("ddim", 20, 1.0), drawn("ddim", 20, 7.5)]
            .map(|images| (Measurement { metric: Metric::Accuracy, images }, Found::Accuracy(judgement.clone())));
        let compared = [(Images::Renders, 0.01), (drawn("ddim", 5, 1.0), 0.75), (drawn("plms", 10, 1.0), 0.125)]
            .map(|(images, distance)| (Measurement { metric: Metric::Distance, images }, Found::Distance(distance)));
        let findings: Vec<(Measurement, Finding)> = judged
            .into_iter()
            .chain(compared)
            .map(|(measurement, found)| (measurement, Finding { images: 40, seconds: 8.0, found }))
            .collect();
        let folder = tempfile::tempdir().unwrap();
        write_report(&findings, folder.path()).unwrap();
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        let text = read("evaluation.md");
        assert!(text.contains("| attribute | cases | renders | guidance 1 | guidance 7.5 |"), "{text}");
        assert!(text.contains("| place | 40 | 92.5 (80.1–97.4)"), "{text}");
        assert!(
            text.contains("- renders: 0.0100\n") && text.contains("| ddim | 0.750 | – |\n| plms | – | 0.125 |"),
            "{text}"
        );
        assert!(text.contains("| ddim | 0.200 | – |"), "{text}");
        assert!(read("accuracy.svg").contains("whole caption") && read("distance.svg").contains("plms"));
    }
}
