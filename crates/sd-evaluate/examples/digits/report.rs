//! The tables in Markdown.

use sd_report::eta::{PAPER, STEPS};
use sd_report::figures::{row, table, two_digits};
use sd_report::inversion;

use crate::distances::{Distances, Spread};
use crate::reconstruction::COUNT;

/// Both tables, beside the published figures.
pub fn report(accuracy: f64, distances: &Distances, reconstruction: &[f64]) -> String {
    let spread = |Spread { mean, std }| format!("{mean:.2} ± {std:.2}");
    format!(
        "The classifier reads {:.1} % of the held-out digits.\n\n{}\n{} images a cell. As many held-out digits: {}. As many digits of \
         the training: {}.\n\n{}\n{COUNT} held-out digits.\n",
        100.0 * accuracy,
        table_of_eta(&distances.cells),
        distances.images,
        spread(distances.held_out),
        spread(distances.train),
        table_of_reconstruction(reconstruction),
    )
}

fn table_of_eta(cells: &[[f64; 5]; 5]) -> String {
    let rows = PAPER.iter().zip(cells).map(|((name, fid), distances)| {
        row(
            name,
            distances.iter().zip(fid).flat_map(|(distance, fid)| [format!("**{distance:.2}**"), format!("{fid:.2}")]),
        )
    });
    let head = STEPS.iter().flat_map(|steps| [format!("S = {steps}"), "FID".to_string()]);
    table(&row("eta", head), &rows.collect::<Vec<_>>())
}

fn table_of_reconstruction(errors: &[f64]) -> String {
    let rows = [
        row("digits", errors.iter().map(|error| format!("**{}**", two_digits(*error)))),
        row("published, CIFAR-10", inversion::PAPER.map(|error| error.to_string())),
    ];
    table(&row("mean squared error", inversion::STEPS.map(|steps| format!("S = {steps}"))), &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_stand_beside_the_published_ones() {
        let mut cells = [[0.0; 5]; 5];
        cells[1][2] = 1.234;
        let spread = Spread { mean: 1.0, std: 0.126 };
        let distances = Distances { images: 50, cells, held_out: spread, train: spread };
        let report = report(0.9876, &distances, &[0.5; 7]);
        assert!(report.starts_with("The classifier reads 98.8 % of"));
        assert!(report.contains("| 0.2 | **0.00** | 14.04 | **0.00** | 7.11 | **1.23** | 4.77 |"), "{report}");
        assert!(report.contains("50 images a cell. As many held-out digits: 1.00 ± 0.13."));
        assert!(report.contains("| digits | **0.50** |") && report.contains("| published, CIFAR-10 | 0.014 |"));
    }
}
