use crate::figures::{fill, row, table, two_digits};
use crate::inversion::{BUILT_IN, PAPER, STEPS, data, error};

/// The DDIM paper's table of reconstruction.
pub fn inversion() -> String {
    let data = data();
    let figures = |values: [f64; 7]| values.map(two_digits);
    let [mean, median] = BUILT_IN;
    let rows = [
        row("an exact network", figures(STEPS.map(|steps| error(&data, steps)))),
        row("the built-in model, mean", figures(mean)),
        row("the built-in model, median", figures(median)),
        row("published, CIFAR-10", PAPER.map(|error| error.to_string())),
    ];
    let head = row("mean squared error", STEPS.map(|steps| format!("S = {steps}")));
    fill(include_str!("../../text/inversion.md"), &[("table", table(&head, &rows))])
}
