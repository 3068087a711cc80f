use super::brush::Brush;
use super::lamp::Lamp;
use super::rgb::Rgb;
use crate::rng::Rng;

/// Draws three clouds, one in each third of the sky.
pub(super) fn few(brush: &mut Brush<'_>, [lit, shade]: [Rgb; 2], lamp: Option<&Lamp>, rng: &mut Rng) {
    let heights = rng.shuffled(&[7.5, 13.5, 20.5]);
    for (x, y) in [9.0, 32.0, 55.0].into_iter().zip(heights) {
        let (x, y) = (x + rng.within(-4.0..4.0), y + rng.within(-1.5..1.5));
        // A cloud that would cover a high sun or moon moves down and to its side.
        let (x, y) = match lamp {
            Some(lamp) if (lamp.x - x).abs() < 11.0 && (lamp.y - y).abs() < 9.0 => (lamp.x + 5.0, lamp.y + 5.5),
            _ => (x, y),
        };
        let scale = rng.within(0.85..1.15);
        let mut brush = brush.at(x, y, scale);
        for (ink, lift) in [(shade, 0.0), (lit, 1.0)] {
            let ink = ink.shining();
            for (x, y, radius) in [(-4.6, -1.6, 2.6), (0.2, -3.0, 4.0), (4.8, -1.8, 2.8)] {
                brush.disc(x - lift * 0.3, y - lift * 0.8, radius - lift * 0.3, ink);
            }
            brush.line(&[(-6.4, -0.6 - lift), (6.6, -0.6 - lift)], 2.4 - lift * 0.6, ink);
        }
    }
}

/// Draws clouds that cover the top of the sky.
pub(super) fn deck(brush: &mut Brush<'_>, [lit, shade]: [Rgb; 2], rng: &mut Rng) {
    for (ink, drop) in [(lit, 4.4), (shade, 0.0)] {
        for column in 0..6_u8 {
            let x = f32::from(column) * 12.8 + rng.within(-3.0..3.0);
            let radius = rng.within(7.5..9.5);
            brush.oval(x, drop - 0.5 + rng.within(-1.2..1.2), radius, radius * 0.8, ink.shining());
        }
        brush.rect(-1.0, -1.0, 66.0, drop + 3.0, ink.shining());
    }
}
