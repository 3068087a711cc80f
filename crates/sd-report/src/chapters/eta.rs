use sd_exact::Gaussian;

use crate::eta::{PAPER, STEPS, distance, distance_quadratic, distance_short, finest};
use crate::figures::{fill, row, table, three_digits, two_digits};
use crate::problems::{pixels, spectrum};

/// The DDIM paper's table.
pub fn eta() -> String {
    let data = pixels();
    let short = |row: &str| three_digits(distance_short(row, &data, 1000));
    let finest = |row: &str| two_digits(finest(row, &data, 1000));
    fill(
        include_str!("../../text/eta.md"),
        &[
            ("table", measured_and_published(&data)),
            ("others", others()),
            ("short_0", short("0")),
            ("short_1", short("1")),
            ("short_hat", short("hat-sigma")),
            ("finest_0", finest("0")),
            ("finest_1", finest("1")),
            ("finest_hat", finest("hat-sigma")),
        ],
    )
}

/// The table of squared distances and published FIDs, in alternating columns.
fn measured_and_published(data: &Gaussian) -> String {
    let rows = PAPER.map(|(name, fid)| {
        let cells = STEPS.iter().zip(fid).flat_map(|(steps, fid)| {
            [format!("**{}**", three_digits(distance(name, data, *steps))), format!("{fid:.2}")]
        });
        row(name, cells)
    });
    let head = STEPS.iter().flat_map(|steps| [format!("S = {steps}"), "FID".to_string()]);
    table(&row("eta", head), &rows)
}

/// The table of other data and of the other sub-sequence.
fn others() -> String {
    const ROWS: [&str; 3] = ["0", "1", "hat-sigma"];
    const SPECTRA: [(&str, f64, f64); 6] = [
        ("1/k", 1.0, 1.0),
        ("2/k", 2.0, 1.0),
        ("4/k", 4.0, 1.0),
        ("8/k", 8.0, 1.0),
        ("16/k", 16.0, 1.0),
        ("3.67/√k", 3.67, 0.5),
    ];
    let rows = SPECTRA.map(|(name, scale, power)| {
        let data = spectrum(64, scale, power);
        let linear = [10, 100].map(|steps| ROWS.map(|row| three_digits(distance(row, &data, steps)))).concat();
        let quadratic = ROWS.map(|row| three_digits(distance_quadratic(row, &data, 10)));
        row(name, linear.into_iter().chain(quadratic))
    });
    let columns = |steps: &str| ROWS.map(|row| format!("{row}, {steps}"));
    table(
        &row("standard deviations", [columns("S = 10"), columns("S = 100"), columns("S = 10, quadratic")].concat()),
        &rows,
    )
}
