use std::f64::consts::PI;

/// How pixels are combined when a size changes, as in Pillow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Filter {
    /// The nearest pixel.
    Nearest,
    /// The mean of all pixels below.
    Box,
    /// Linear interpolation; the antialiased one where the image shrinks.
    Bilinear,
    /// Cubic interpolation (Keys 1981, with a = −1/2).
    Bicubic,
    /// A sinc of three lobes, windowed by a sinc.
    Lanczos,
}

/// The weights of some consecutive pixels, of which one new pixel is the sum.
#[derive(Debug)]
pub struct Window {
    /// The first of the pixels.
    pub first: usize,
    /// In units of 2⁻²².
    pub weights: Vec<i32>,
}

/// Bits of a weight behind the point: a byte and two bits for values out of range stay free in 32 bits.
pub const BITS: u32 = 22;

impl Filter {
    /// The weights for `new` pixels in place of those from `from` to `to`, of `old` ones in all.
    pub fn windows(self, old: usize, from: f32, to: f32, new: usize) -> Vec<Window> {
        // A difference in single precision, as in Pillow.
        let scale = f64::from(to - from) / new as f64;
        let stretch = scale.max(1.0);
        let support = self.support() * stretch;
        let window = |i: usize| {
            let centre = f64::from(from) + (i as f64 + 0.5) * scale;
            let first = (centre - support + 0.5).max(0.0) as usize;
            let end = ((centre + support + 0.5) as usize).min(old);
            let weight = |pixel: usize| self.weight((pixel as f64 - centre + 0.5) * (1.0 / stretch));
            let weights: Vec<f64> = (first..end).map(weight).collect();
            let sum: f64 = weights.iter().sum();
            let fixed = |weight: &f64| {
                let scaled = if sum == 0.0 { *weight } else { weight / sum } * f64::from(1 << BITS);
                (if scaled < 0.0 { scaled - 0.5 } else { scaled + 0.5 }) as i32
            };
            Window { first, weights: weights.iter().map(fixed).collect() }
        };
        (0..new).map(window).collect()
    }

    /// The distance at which the weights end, in pixels.
    fn support(self) -> f64 {
        match self {
            Self::Nearest | Self::Box => 0.5,
            Self::Bilinear => 1.0,
            Self::Bicubic => 2.0,
            Self::Lanczos => 3.0,
        }
    }

    fn weight(self, x: f64) -> f64 {
        let distance = x.abs();
        match self {
            // One of the two ends belongs to the pixel.
            Self::Nearest | Self::Box => f64::from(u8::from(x > -0.5 && x <= 0.5)),
            Self::Bilinear => (1.0 - distance).max(0.0),
            Self::Bicubic if distance < 1.0 => (1.5 * distance - 2.5) * distance * distance + 1.0,
            Self::Bicubic if distance < 2.0 => (((distance - 5.0) * distance + 8.0) * distance - 4.0) * -0.5,
            Self::Lanczos if (-3.0..3.0).contains(&x) => sinc(x) * sinc(x / 3.0),
            Self::Bicubic | Self::Lanczos => 0.0,
        }
    }
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { (x * PI).sin() / (x * PI) }
}
