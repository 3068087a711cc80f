use sd_image::Image;

/// How steeply a pixel's neighbours differ, by the 3×3 Sobel operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gradient {
    /// To the right.
    pub dx: i32,
    /// Downwards.
    pub dy: i32,
}

impl Gradient {
    /// The sum of both magnitudes, 0 to 2040.
    pub fn magnitude(self) -> i32 {
        self.dx.abs() + self.dy.abs()
    }
}

/// Returns the gradient of each pixel's steepest colour; of equally steep ones, the first of red, green and blue. The border
/// repeats its last pixel.
pub fn gradients(image: &Image) -> impl Iterator<Item = Gradient> + '_ {
    let (last_x, last_y, stride) = (image.width - 1, image.height - 1, 3 * image.width);
    (0..image.height).flat_map(move |y| {
        let rows = [y.saturating_sub(1), y, (y + 1).min(last_y)].map(|y| &image.rgb[y * stride..][..stride]);
        (0..image.width).map(move |x| {
            let columns = [x.saturating_sub(1), x, (x + 1).min(last_x)];
            let gradient = |colour| sobel(rows.map(|row| columns.map(|x| i32::from(row[3 * x + colour]))));
            let steeper = |a: Gradient, b: Gradient| if b.magnitude() > a.magnitude() { b } else { a };
            (1..3).map(gradient).fold(gradient(0), steeper)
        })
    })
}

fn sobel([above, here, below]: [[i32; 3]; 3]) -> Gradient {
    let across = |row: [i32; 3]| row[2] - row[0];
    let along = |row: [i32; 3]| row[0] + 2 * row[1] + row[2];
    Gradient { dx: across(above) + 2 * across(here) + across(below), dy: along(below) - along(above) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_has_its_slope_times_eight() {
        let image = |byte: fn(usize, usize) -> usize| Image {
            width: 5,
            height: 4,
            rgb: (0..60).map(|i| byte(i / 3 % 5, i / 15) as u8).collect(),
        };
        let at_middle = |image: Image| gradients(&image).nth(5 + 2).unwrap();
        assert_eq!(at_middle(image(|x, _| 7 * x)), Gradient { dx: 56, dy: 0 });
        assert_eq!(at_middle(image(|_, y| 90 - 20 * y)), Gradient { dx: 0, dy: -160 });
        assert_eq!(at_middle(image(|x, y| 3 * x + 2 * y)).magnitude(), 24 + 16);
    }

    #[test]
    fn the_steepest_colour_counts() {
        let image = Image { width: 2, height: 1, rgb: vec![0, 50, 9, 0, 0, 20] };
        assert_eq!(gradients(&image).next(), Some(Gradient { dx: -200, dy: 0 }));
        let alike = Image { width: 2, height: 1, rgb: vec![0, 50, 0, 50, 0, 0] };
        assert_eq!(gradients(&alike).next(), Some(Gradient { dx: 200, dy: 0 }));
    }
}
