/// How well the edges of images agree with those that they should have, pixel by pixel: precision, recall and F1 with a tolerance
/// of one pixel (as in the boundary benchmark of Martin et al. 2004, but without matching each pixel to one of its own).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EdgeScore {
    /// Pixels of edges in the images.
    pub found: usize,
    /// Those of them that lie on a right edge or beside one, also diagonally.
    pub right: usize,
    /// Pixels of right edges.
    pub expected: usize,
    /// Those of them with an edge of the image on or beside them.
    pub met: usize,
}

impl EdgeScore {
    /// Counts the edges of an image of `width` pixels in a row; `found` and `expected` say for each pixel, row by row, whether it
    /// belongs to an edge.
    ///
    /// # Panics
    ///
    /// Panics if both are not of the same size, or no whole number of rows.
    pub fn add(&mut self, found: &[bool], expected: &[bool], width: usize) {
        assert!(
            found.len() == expected.len() && found.len().is_multiple_of(width),
            "edges of images of different sizes"
        );
        let count = |edges: &[bool], others: &[bool]| {
            let pixels = (0..edges.len()).filter(|&pixel| edges[pixel]);
            pixels.fold((0, 0), |(all, near), pixel| (all + 1, near + usize::from(is_near(others, pixel, width))))
        };
        let ((found, right), (expected, met)) = (count(found, expected), count(expected, found));
        self.found += found;
        self.right += right;
        self.expected += expected;
        self.met += met;
    }

    /// The share of the images' edges that are right; 1 if there are none.
    pub fn precision(&self) -> f64 {
        share(self.right, self.found)
    }

    /// The share of the right edges that the images have; 1 if there are none.
    pub fn recall(&self) -> f64 {
        share(self.met, self.expected)
    }

    /// The harmonic mean of precision and recall.
    pub fn f1(&self) -> f64 {
        let (precision, recall) = (self.precision(), self.recall());
        if precision + recall > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 }
    }
}

/// Whether there is an edge at a pixel or beside it.
fn is_near(edges: &[bool], pixel: usize, width: usize) -> bool {
    let (row, column, rows) = (pixel / width, pixel % width, edges.len() / width);
    let near = |at: usize, end: usize| at.saturating_sub(1)..(at + 2).min(end);
    near(row, rows).any(|row| near(column, width).any(|column| edges[row * width + column]))
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Edges drawn as `#`.
    fn edges(rows: &[&str]) -> Vec<bool> {
        rows.concat().chars().map(|pixel| pixel == '#').collect()
    }

    #[test]
    fn an_edge_counts_one_pixel_away_and_not_two() {
        let mut score = EdgeScore::default();
        score.add(&edges(&["#....", ".....", "....#"]), &edges(&[".....", ".#...", "....."]), 5);
        assert_eq!(score, EdgeScore { found: 2, right: 1, expected: 1, met: 1 });
        assert_eq!((score.precision(), score.recall()), (0.5, 1.0));
        assert!((score.f1() - 2.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn the_end_of_a_row_is_not_beside_the_start_of_the_next() {
        let mut score = EdgeScore::default();
        score.add(&edges(&["..#", "...", "..."]), &edges(&["...", "#..", "#.."]), 3);
        assert_eq!(score, EdgeScore { found: 1, right: 0, expected: 2, met: 0 });
        assert_eq!(score.f1(), 0.0);
    }

    #[test]
    fn images_are_counted_together() {
        let mut score = EdgeScore::default();
        score.add(&edges(&["#"]), &edges(&["#"]), 1);
        score.add(&edges(&["."]), &edges(&["#"]), 1);
        assert_eq!((score.precision(), score.recall()), (1.0, 0.5));
    }
}
