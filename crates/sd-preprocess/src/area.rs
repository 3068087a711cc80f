use sd_image::Image;

/// Makes an image smaller: each new pixel is the mean of the area below it. Equal to OpenCV's `INTER_AREA` byte for byte.
///
/// The new size must not be larger than the old one, or 0.
pub fn shrink(image: &Image, width: usize, height: usize) -> Image {
    if image.width.is_multiple_of(width) && image.height.is_multiple_of(height) {
        return by_blocks(image, width, height);
    }
    let (columns, rows) = (shares(image.width, width), shares(image.height, height));
    let stride = 3 * width;
    let mut sums = vec![0.0_f32; stride * height];
    for (sums, row) in sums.chunks_exact_mut(stride).zip(&rows) {
        for (y, share) in row {
            let old = &image.rgb[3 * image.width * y..];
            for (sums, column) in sums.chunks_exact_mut(3).zip(&columns) {
                for (colour, sum) in sums.iter_mut().enumerate() {
                    let part = |total: f32, (x, share): &(usize, f32)| total + f32::from(old[3 * x + colour]) * share;
                    *sum += column.iter().fold(0.0, part) * share;
                }
            }
        }
    }
    let byte = |sum: f32| sum.round_ties_even() as u8;
    Image { width, height, rgb: sums.into_iter().map(byte).collect() }
}

/// The mean of blocks of whole pixels.
fn by_blocks(image: &Image, width: usize, height: usize) -> Image {
    let (across, down) = (image.width / width, image.height / height);
    let mean = |i: usize| {
        let (x, y, colour) = (i / 3 % width * across, i / 3 / width * down, i % 3);
        let row = |y: usize| (x..x + across).map(move |x| u32::from(image.rgb[3 * (y * image.width + x) + colour]));
        let sum: u32 = (y..y + down).flat_map(row).sum();
        match (across, down) {
            // Here OpenCV rounds halves up, and elsewhere to even.
            (2, 2) => ((sum + 2) / 4) as u8,
            _ => (sum as f32 * (1.0 / (across * down) as f32)).round_ties_even() as u8,
        }
    };
    Image { width, height, rgb: (0..3 * width * height).map(mean).collect() }
}

/// For each of `new` pixels, which of `old` ones are below it, and which share of it each of them has. Shares below a thousandth
/// of a pixel are left out.
fn shares(old: usize, new: usize) -> Vec<Vec<(usize, f32)>> {
    const LEAST: f64 = 1e-3;
    let scale = old as f64 / new as f64;
    let of_pixel = |i: usize| {
        let (from, to) = (i as f64 * scale, i as f64 * scale + scale);
        let length = scale.min(old as f64 - from);
        let last = (to.floor() as usize).min(old - 1);
        let first = (from.ceil() as usize).min(last);
        let (before, behind) = (first as f64 - from, to - last as f64);
        let mut shares = Vec::with_capacity(last - first + 2);
        if before > LEAST {
            shares.push((first - 1, (before / length) as f32));
        }
        shares.extend((first..last).map(|whole| (whole, (1.0 / length) as f32)));
        if behind > LEAST {
            shares.push((last, (behind.min(1.0).min(length) / length) as f32));
        }
        shares
    };
    (0..new).map(of_pixel).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_sum_to_one() {
        for (old, new) in [(7, 3), (512, 341), (100, 99), (5, 1), (64, 29)] {
            for shares in shares(old, new) {
                let sum: f32 = shares.iter().map(|(_, share)| share).sum();
                assert!((sum - 1.0).abs() < 2e-3, "{old} to {new}: {sum}");
            }
        }
        assert_eq!(shares(3, 2), [vec![(0, 1.0 / 1.5), (1, 0.5 / 1.5)], vec![(1, 0.5 / 1.5), (2, 1.0 / 1.5)]]);
    }
}
