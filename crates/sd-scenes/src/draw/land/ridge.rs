use tiny_skia::{Path, PathBuilder};

use crate::rng::Rng;

/// Returns the land below a line of soft hills around the height `y`, which rise and fall by up to `swing`.
pub(super) fn ridge(rng: &mut Rng, y: f32, swing: f32, step: f32) -> Path {
    let mut path = PathBuilder::new();
    let mut rises = rng.chance(0.5);
    let mut knot = (-rng.within(4.0..step), y);
    path.move_to(knot.0, 66.0);
    path.line_to(knot.0, knot.1);
    while knot.0 < 65.0 {
        let depth = rng.within(0.45..1.0) * swing;
        let next = (knot.0 + step * rng.within(0.8..1.2), if rises { y - depth } else { y + depth });
        // Two parabolas, level at the knots. Cubic curves would not do: tiny-skia clips them by cosines, which machines
        // round differently.
        let middle = ((knot.0 + next.0) / 2.0, (knot.1 + next.1) / 2.0);
        path.quad_to((knot.0 + middle.0) / 2.0, knot.1, middle.0, middle.1);
        path.quad_to((middle.0 + next.0) / 2.0, next.1, next.0, next.1);
        (knot, rises) = (next, !rises);
    }
    path.line_to(knot.0, 66.0);
    path.close();
    path.finish().expect("a ridge has corners")
}
