use crate::Mask;

impl Mask {
    /// Blurs the mask with a Gaussian of this standard deviation in pixels, first along the rows, then along the columns, as
    /// AUTOMATIC1111 does (OpenCV's `GaussianBlur`, whose kernel ends after 2.5 standard deviations). The border reflects,
    /// and does not repeat its last pixel. 0 changes nothing.
    ///
    /// OpenCV rounds the kernel to 8 bits, so its values differ by up to 2 of 255.
    ///
    /// # Panics
    ///
    /// Panics if `sigma` is negative or not finite.
    #[must_use]
    pub fn blur(&self, sigma: f64) -> Self {
        assert!(sigma >= 0.0 && sigma.is_finite(), "blurring by {sigma}");
        if sigma == 0.0 {
            return self.clone();
        }
        let kernel = kernel(sigma);
        let (width, height) = (self.width, self.height);
        let rows = blurred(&self.values, width, height, |x, y| y * width + x, &kernel);
        Self { width, height, values: blurred(&rows, height, width, |y, x| y * width + x, &kernel) }
    }
}

/// The weights from the middle to one end; all 2n + 1 sum to 1.
fn kernel(sigma: f64) -> Vec<f64> {
    let radius = (2.5 * sigma + 0.5) as usize;
    let weights: Vec<f64> = (0..=radius).map(|i| (-0.5 * (i as f64 / sigma).powi(2)).exp()).collect();
    let sum = 2.0 * weights.iter().sum::<f64>() - weights[0];
    weights.iter().map(|weight| weight / sum).collect()
}

/// Blurs `lines` lines of `length` values, which `at` finds by their place in the line and the line.
fn blurred(values: &[u8], length: usize, lines: usize, at: impl Fn(usize, usize) -> usize, kernel: &[f64]) -> Vec<u8> {
    let mut out = vec![0; values.len()];
    let radius = kernel.len() - 1;
    for line in 0..lines {
        // The line with its reflections at both ends, so that the inner loop has no borders.
        let reflected: Vec<f64> = (0..length + 2 * radius)
            .map(|i| f64::from(values[at(reflect(i as isize - radius as isize, length), line)]))
            .collect();
        for i in 0..length {
            let middle = i + radius;
            let sum = |i: usize, weight: f64| weight * (reflected[middle - i] + reflected[middle + i]);
            let outer: f64 = kernel.iter().enumerate().skip(1).map(|(i, weight)| sum(i, *weight)).sum();
            out[at(i, line)] = (kernel[0] * reflected[middle] + outer).round() as u8;
        }
    }
    out
}

/// The place of a value in a line that is reflected at its first and its last value, as often as needed.
fn reflect(i: isize, length: usize) -> usize {
    if length == 1 {
        return 0;
    }
    let last = length - 1;
    let at = i.rem_euclid(2 * last as isize) as usize;
    if at > last { 2 * last - at } else { at }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_becomes_the_integral_of_the_bell() {
        let values = (0..80).map(|x| if x < 40 { 0 } else { 255 }).collect();
        let mask = Mask { width: 80, height: 1, values }.blur(4.0);
        // 84.13 % of the bell lie below one standard deviation; the kernel lacks 1.2 % at both ends.
        assert!((213..=217).contains(&mask.values[43]), "{}", mask.values[43]);
        assert!(mask.values.is_sorted() && mask.values[20] == 0 && mask.values[60] == 255);
        assert!((0..80).all(|x| mask.values[x].abs_diff(255 - mask.values[79 - x]) <= 1));
    }

    #[test]
    fn a_constant_mask_stays_as_it_is_however_small() {
        for (width, height) in [(1, 1), (1, 7), (3, 2), (9, 1)] {
            let mask = Mask { width, height, values: vec![77; width * height] };
            assert_eq!(mask.blur(9.5), mask);
        }
    }

    #[test]
    fn lines_are_reflected_without_their_ends() {
        let found: Vec<usize> = (-4..8).map(|i| reflect(i, 3)).collect();
        assert_eq!(found, [0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2, 1]);
    }
}
