use std::collections::BTreeSet;

/// Width and height of images, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Shape {
    pub width: usize,
    pub height: usize,
}

impl Shape {
    /// A square.
    pub fn square(side: usize) -> Self {
        Self { width: side, height: side }
    }

    /// Returns the shapes of buckets, as kohya's programs make them: sides of multiples of `multiple`, from half of `size` to its double,
    /// and as many pixels as fit into those of a square of `size`.
    pub fn buckets(size: usize, multiple: usize) -> Vec<Self> {
        let (area, shortest, longest) = (size * size, size.div_ceil(2).next_multiple_of(multiple), 2 * size);
        let mut shapes = BTreeSet::from([Self::square(size / multiple * multiple)]);
        for width in (shortest..=longest).step_by(multiple) {
            let height = longest.min(area / width / multiple * multiple);
            if height >= shortest {
                shapes.extend([Self { width, height }, Self { width: height, height: width }]);
            }
        }
        shapes.into_iter().collect()
    }

    /// Returns the shape whose ratio is nearest to that of an image.
    ///
    /// # Panics
    ///
    /// Panics if there are no shapes.
    pub fn nearest(shapes: &[Self], width: usize, height: usize) -> Self {
        let ratio = |width: usize, height: usize| width as f64 / height as f64;
        let distance = |shape: &Self| (ratio(shape.width, shape.height) - ratio(width, height)).abs();
        let nearest = shapes.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)));
        *nearest.expect("at least one shape")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `make_bucket_resolutions` of kohya's programs gives for 512, from 256 to 1024 in steps of 64.
    #[test]
    fn the_shapes_are_those_of_kohyas_programs() {
        let found: Vec<(usize, usize)> =
            Shape::buckets(512, 64).into_iter().map(|shape| (shape.width, shape.height)).collect();
        let wide = [(576, 448), (640, 384), (704, 320), (768, 320), (832, 256), (896, 256), (960, 256), (1024, 256)];
        let tall = [(320, 768), (384, 640), (448, 576)];
        let mut expected: Vec<(usize, usize)> = [&[(512, 512)], &wide[..], &tall[..]].concat();
        expected.extend(wide.iter().chain(&tall).map(|(width, height)| (*height, *width)).collect::<Vec<_>>());
        expected.sort_unstable();
        expected.dedup();
        assert_eq!(found, expected);
        assert!(found.iter().all(|(width, height)| width * height <= 512 * 512));
    }

    #[test]
    fn an_image_goes_where_its_ratio_is_nearest() {
        let shapes = Shape::buckets(512, 64);
        let nearest = |width, height| {
            let shape = Shape::nearest(&shapes, width, height);
            (shape.width, shape.height)
        };
        assert_eq!([nearest(100, 100), nearest(3000, 2000), nearest(2000, 3000)], [(512, 512), (640, 384), (384, 640)]);
        assert_eq!(nearest(100, 10_000), (256, 1024));
        assert_eq!(Shape::nearest(&[Shape::square(16)], 7, 3), Shape::square(16));
    }

    #[test]
    fn there_is_always_a_square() {
        assert_eq!(Shape::buckets(16, 16), [Shape::square(16)]);
        assert!(Shape::buckets(24, 4).contains(&Shape::square(24)));
    }
}
