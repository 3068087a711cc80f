use sd_image::Mask;

/// Scales a map of depths to `[height, width]` and to −1 to 1, as diffusers' depth-to-image pipeline does; a flat map becomes −1.
pub(crate) fn depth_channel(map: &Mask, width: usize, height: usize) -> Vec<f32> {
    let columns = taps(map.width, width);
    let rows = taps(map.height, height);
    let value = |x: usize, y: usize| f64::from(map.values[y * map.width + x]) / 255.0;
    let at = |row: &[(usize, f64); 4], column: &[(usize, f64); 4]| -> f64 {
        row.iter().map(|(y, wy)| wy * column.iter().map(|(x, wx)| wx * value(*x, *y)).sum::<f64>()).sum()
    };
    let values: Vec<f64> = rows.iter().flat_map(|row| columns.iter().map(move |column| at(row, column))).collect();
    let (least, most) = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(*v), b.max(*v)));
    let range = if most > least { most - least } else { 1.0 };
    values.into_iter().map(|v| (2.0 * (v - least) / range - 1.0) as f32).collect()
}

/// For each of `to` values, the four of `from` that it is made of and their weights: PyTorch's bicubic interpolation, without
/// antialiasing.
fn taps(from: usize, to: usize) -> Vec<[(usize, f64); 4]> {
    const A: f64 = -0.75;
    let near = |t: f64| ((A + 2.0) * t - (A + 3.0)) * t * t + 1.0;
    let far = |t: f64| ((A * t - 5.0 * A) * t + 8.0 * A) * t - 4.0 * A;
    let tap = |i: usize| {
        let centre = (i as f64 + 0.5) * from as f64 / to as f64 - 0.5;
        let (first, t) = (centre.floor(), centre - centre.floor());
        let weights = [far(t + 1.0), near(t), near(1.0 - t), far(2.0 - t)];
        std::array::from_fn(|k| {
            let index = (first + k as f64 - 1.0).clamp(0.0, from as f64 - 1.0);
            (index as usize, weights[k])
        })
    };
    (0..to).map(tap).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slope_stays_one_and_reaches_both_ends() {
        let map = Mask { width: 64, height: 8, values: (0..512).map(|i| (i % 64 * 4) as u8).collect() };
        let found = depth_channel(&map, 8, 1);
        assert_eq!((found[0], found[7]), (-1.0, 1.0));
        assert!(found.windows(2).all(|pair| (pair[1] - pair[0] - 2.0 / 7.0).abs() < 1e-6), "{found:?}");
    }

    #[test]
    fn a_flat_map_is_flat() {
        let map = Mask { width: 8, height: 8, values: vec![7; 64] };
        assert_eq!(depth_channel(&map, 2, 2), [-1.0; 4]);
    }
}
