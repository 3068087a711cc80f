//! Noise between two noises, of the same strength as both.

/// Cosine of an angle so small that the arc is straight in single precision.
const STRAIGHT: f64 = 0.9995;

/// Interpolates between two noises along the arc between them: `t` 0 is `from`, and 1 is `to` (Shoemake 1985; Song et al.
/// 2021, equation 67).
///
/// All values are one vector. On a straight line, noise halfway between two others would be too weak.
///
/// # Panics
///
/// Panics if their numbers of values differ.
pub fn slerp(from: &[f32], to: &[f32], t: f64) -> Vec<f32> {
    assert_eq!(from.len(), to.len(), "noises of {} and {} values", from.len(), to.len());
    let (of_from, of_to) = shares(cosine(from.iter().zip(to)), t);
    from.iter().zip(to).map(|(a, b)| (of_from * f64::from(*a) + of_to * f64::from(*b)) as f32).collect()
}

/// Varies the noise of a seed towards that of another by `strength`, as AUTOMATIC1111's web interface does: 0 is `noise`,
/// and 1 is `other` (`slerp` in its `modules/rng.py`).
///
/// There each column of each channel is a vector of its own. If all columns together are almost parallel, the web interface
/// blends in a straight line, with the shares of the two exchanged. A single column that is parallel makes it divide by
/// zero; here such a column is blended in a straight line.
///
/// # Shapes
///
/// - noise, other: `[batch, channels, height, width]`, which is `shape`; row by row
/// - output: as noise
///
/// # Panics
///
/// Panics if a noise does not have as many values as `shape`.
pub fn vary(noise: &[f32], other: &[f32], shape: [usize; 4], strength: f64) -> Vec<f32> {
    let [batch, channels, height, width] = shape;
    for values in [noise, other] {
        assert_eq!(values.len(), shape.iter().product::<usize>(), "{} values of shape {shape:?}", values.len());
    }
    let mut varied = vec![0.0; noise.len()];
    let (image, plane) = (channels * height * width, height * width);
    for start in (0..batch).map(|i| i * image) {
        // The places of each column's values.
        let columns: Vec<Vec<usize>> = (0..channels * width)
            .map(|i| (0..height).map(|y| start + i / width * plane + y * width + i % width).collect())
            .collect();
        let cosines: Vec<f64> =
            columns.iter().map(|column| cosine(column.iter().map(|&i| (&noise[i], &other[i])))).collect();
        let are_parallel = cosines.iter().sum::<f64>() / cosines.len() as f64 > STRAIGHT;
        for (column, cosine) in columns.iter().zip(cosines) {
            let (of_noise, of_other) = if are_parallel { (strength, 1.0 - strength) } else { shares(cosine, strength) };
            for &i in column {
                varied[i] = (of_noise * f64::from(noise[i]) + of_other * f64::from(other[i])) as f32;
            }
        }
    }
    varied
}

/// The cosine of the angle between two vectors, given as pairs of values; 1 if one of them has no length.
fn cosine<'a>(pairs: impl Iterator<Item = (&'a f32, &'a f32)>) -> f64 {
    let (aa, ab, bb) = pairs
        .map(|(a, b)| (f64::from(*a), f64::from(*b)))
        .fold((0.0, 0.0, 0.0), |(aa, ab, bb), (a, b)| (aa + a * a, ab + a * b, bb + b * b));
    if aa * bb > 0.0 { (ab / (aa * bb).sqrt()).clamp(-1.0, 1.0) } else { 1.0 }
}

/// The shares of two vectors with an angle of this cosine at `t` of the arc; of a straight line if there is no arc.
fn shares(cosine: f64, t: f64) -> (f64, f64) {
    let angle = cosine.acos();
    let sin = angle.sin();
    if sin < 1e-6 { (1.0 - t, t) } else { (((1.0 - t) * angle).sin() / sin, (t * angle).sin() / sin) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TorchNoise;

    fn noise(seed: u64, count: usize) -> Vec<f32> {
        TorchNoise::new(seed).randn(count)
    }

    #[test]
    fn the_ends_are_the_noises_themselves() {
        let (a, b, shape) = (noise(1, 256), noise(2, 256), [1, 4, 8, 8]);
        assert_eq!((slerp(&a, &b, 0.0), slerp(&a, &b, 1.0)), (a.clone(), b.clone()));
        assert_eq!((vary(&a, &b, shape, 0.0), vary(&a, &b, shape, 1.0)), (a, b));
    }

    /// Perpendicular vectors of length 3: the arc is a quarter of a circle.
    #[test]
    fn the_arc_keeps_the_length_and_moves_evenly() {
        let middle = slerp(&[3.0, 0.0], &[0.0, 3.0], 1.0 / 3.0);
        let expected = [3.0 * 0.75_f32.sqrt(), 1.5];
        assert!(middle.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{middle:?}");
    }

    #[test]
    fn without_an_arc_the_line_is_straight() {
        assert_eq!(slerp(&[1.0, 2.0], &[2.0, 4.0], 0.5), [1.5, 3.0]);
        assert_eq!(slerp(&[1.0], &[-1.0], 0.25), [0.5]);
        assert_eq!(slerp(&[0.0], &[4.0], 0.25), [1.0]);
        // One row: each column is a single number, so the web interface would divide by zero.
        assert_eq!(vary(&[1.0, 1.0], &[2.0, -1.0], [1, 1, 1, 2], 0.25), [1.25, 0.5]);
    }

    #[test]
    fn almost_parallel_noises_are_blended_with_exchanged_shares() {
        assert_eq!(vary(&[1.0, 2.0], &[2.0, 4.0], [1, 1, 2, 1], 0.25), [1.75, 3.5]);
    }

    #[test]
    fn each_image_of_a_batch_is_varied_alone() {
        let (a, b) = (noise(1, 96), noise(2, 96));
        let both = vary(&a, &b, [2, 3, 4, 4], 0.3);
        let first = vary(&a[..48], &b[..48], [1, 3, 4, 4], 0.3);
        let second = vary(&a[48..], &b[48..], [1, 3, 4, 4], 0.3);
        assert_eq!(both, [first, second].concat());
    }
}
