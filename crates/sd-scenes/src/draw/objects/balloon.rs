use tiny_skia::{Path, PathBuilder};

use crate::draw::brush::Brush;
use crate::draw::rgb::Rgb;

/// 16 wide and 22 high.
pub(super) fn draw(brush: &mut Brush<'_>, paint: Rgb) {
    if brush.light.is_night {
        brush.glow(0.0, -12.0, 14.0, Rgb::hex(0xFFB95C), 0.45);
    }
    for x in [-1.5, 1.5] {
        brush.line(&[(x * 1.3, -6.0), (x, -2.6)], 0.5, Rgb::hex(0x5A4038));
    }
    brush.rect(-1.9, -3.0, 3.8, 3.0, Rgb::hex(0x8A5A34));
    brush.shape(&envelope(1.0), paint.darker(0.22));
    brush.shape(&envelope(0.7), paint);
    brush.shape(&envelope(0.28), paint.lighter(0.5));
}

/// The outline of the hull, with a share of its width.
fn envelope(share: f32) -> Path {
    let mut path = PathBuilder::new();
    path.move_to(0.0, -22.0);
    path.cubic_to(5.4 * share, -22.0, 7.8 * share, -18.4, 7.8 * share, -14.6);
    path.cubic_to(7.8 * share, -10.6, 3.8 * share, -8.2, 2.4 * share, -5.0);
    path.line_to(-2.4 * share, -5.0);
    path.cubic_to(-3.8 * share, -8.2, -7.8 * share, -10.6, -7.8 * share, -14.6);
    path.cubic_to(-7.8 * share, -18.4, -5.4 * share, -22.0, 0.0, -22.0);
    path.close();
    path.finish().expect("the envelope has corners")
}
