use sd_image::Image;

/// The side of a square.
const SIDE: usize = 64;

/// Squares of one colour each, as T2I-Adapter's `color`: the image is made smaller by cubic interpolation at the middles of the
/// squares, without a mean of what is around, and enlarged again by the nearest pixel.
///
/// Equal to OpenCV byte for byte if the sizes are multiples of 64; else OpenCV rounds some weights otherwise, and bytes may differ by 1.
pub fn squares(image: &Image) -> Image {
    let (width, height) = (image.width, image.height);
    let (columns, rows) = ((width / SIDE).max(1), (height / SIDE).max(1));
    let small = at_middles(image, columns, rows);
    let (from_x, from_y) = (nearest(columns, width), nearest(rows, height));
    let pixels = from_y.iter().flat_map(|y| from_x.iter().map(move |x| 3 * (y * columns + x)));
    Image { width, height, rgb: pixels.flat_map(|i| &small[i..i + 3]).copied().collect() }
}

/// The bytes of the small image.
fn at_middles(image: &Image, columns: usize, rows: usize) -> Vec<u8> {
    let (across, down) = (taps(image.width, columns), taps(image.height, rows));
    let value = |i: usize| {
        let (column, row, colour) = (&across[i / 3 % columns], &down[i / 3 / columns], i % 3);
        let byte = |x: usize, y: usize| i32::from(image.rgb[3 * (y * image.width + x) + colour]);
        let of_row = |y: usize| column.iter().map(|(x, weight)| byte(*x, y) * weight).sum::<i32>();
        let sum: i32 = row.iter().map(|(y, weight)| of_row(*y) * weight).sum();
        (f64::from(sum) / f64::from(1 << (2 * BITS))).round_ties_even() as u8
    };
    (0..3 * columns * rows).map(value).collect()
}

/// Bits of a weight behind the point.
const BITS: u32 = 11;

/// For each of `new` pixels, the four of `old` ones that it is interpolated from, and their weights.
fn taps(old: usize, new: usize) -> Vec<[(usize, i32); 4]> {
    let of_pixel = |i: usize| {
        let at = ((i as f64 + 0.5) * (old as f64 / new as f64) - 0.5) as f32;
        let weights = cubic(at - at.floor());
        let place = |tap: usize| (at.floor() as isize + tap as isize - 1).clamp(0, old as isize - 1) as usize;
        let fixed = |weight: f32| (weight * (1 << BITS) as f32).round_ties_even() as i32;
        std::array::from_fn(|tap| (place(tap), fixed(weights[tap])))
    };
    (0..new).map(of_pixel).collect()
}

/// The weights of the pixels at −1, 0, 1 and 2 for the value at `x`, 0 to 1 (Keys 1981, with a = −3/4).
fn cubic(x: f32) -> [f32; 4] {
    const A: f32 = -0.75;
    let near = |x: f32| ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0;
    let first = ((A * (x + 1.0) - 5.0 * A) * (x + 1.0) + 8.0 * A) * (x + 1.0) - 4.0 * A;
    let (second, third) = (near(x), near(1.0 - x));
    [first, second, third, 1.0 - first - second - third]
}

/// Which of `old` pixels each of `new` ones shows, rounded as in OpenCV.
fn nearest(old: usize, new: usize) -> Vec<usize> {
    let scale = 1.0 / (new as f64 / old as f64);
    (0..new).map(|i| ((i as f64 * scale) as usize).min(old - 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_sum_to_one_and_find_their_own_pixel() {
        assert_eq!(cubic(0.0), [0.0, 1.0, 0.0, 0.0]);
        assert_eq!(cubic(0.5), [-0.09375, 0.59375, 0.59375, -0.09375]);
        assert_eq!(taps(128, 2)[1], [(94, -192), (95, 1216), (96, 1216), (97, -192)]);
    }
}
