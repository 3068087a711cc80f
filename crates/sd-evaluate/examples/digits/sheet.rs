//! Samples below real digits.

use std::path::Path;

use sd_image::sheet as in_rows;
use sd_pipeline::Image;

use crate::Result;
use crate::cells::Cell;
use crate::digits::Digits;

/// Images in a row.
pub const COLUMNS: usize = 16;

/// The rows below the real digits.
const ROWS: [Cell; 7] = [
    Cell { row: "0", steps: 10 },
    Cell { row: "1", steps: 10 },
    Cell { row: "hat-sigma", steps: 10 },
    Cell { row: "0", steps: 100 },
    Cell { row: "hat-sigma", steps: 100 },
    Cell { row: "0", steps: 1000 },
    Cell { row: "hat-sigma", steps: 1000 },
];

/// A row of held-out digits, and rows of samples with the same seeds.
pub fn sheet(held_out: &Digits, out: &Path) -> Result<Image> {
    let mut images: Vec<Image> = held_out.images.iter().take(COLUMNS).cloned().collect();
    for cell in ROWS {
        images.extend(cell.images(out, COLUMNS)?);
    }
    Ok(in_rows(&images, COLUMNS))
}
