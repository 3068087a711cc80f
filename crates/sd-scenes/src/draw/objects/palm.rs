use tiny_skia::PathBuilder;

use crate::draw::brush::Brush;
use crate::draw::rgb::Rgb;

/// 20 wide and 25 high.
pub(super) fn draw(brush: &mut Brush<'_>) {
    let mut trunk = PathBuilder::new();
    trunk.move_to(-4.0, 0.0);
    trunk.quad_to(-1.6, -10.0, 0.2, -19.0);
    trunk.line_to(2.0, -18.6);
    trunk.quad_to(0.9, -10.0, -0.9, 0.0);
    trunk.close();
    brush.shape(&trunk.finish().expect("the trunk has corners"), Rgb::hex(0x96683F));
    let leaf = Rgb::hex(0x2F9A52);
    let fronds: [(f32, f32); 6] =
        [(-10.0, -14.0), (-8.6, -21.0), (11.0, -15.0), (10.0, -22.0), (-5.0, -11.5), (6.6, -11.0)];
    for (index, (x, y)) in fronds.into_iter().enumerate() {
        let mut frond = PathBuilder::new();
        frond.move_to(1.0, -18.4);
        frond.quad_to(1.0 + (x - 1.0) * 0.55, y.min(-16.0) - 7.2, x, y);
        frond.quad_to(1.0 + (x - 1.0) * 0.5, y.min(-16.0) - 0.6, 1.0, -18.4);
        let shade = if index % 2 == 0 { leaf.darker(0.16) } else { leaf.lighter(0.08) };
        brush.shape(&frond.finish().expect("a frond has corners"), shade);
    }
    brush.disc(0.4, -17.6, 1.2, Rgb::hex(0x6A4128));
    brush.disc(2.4, -17.4, 1.1, Rgb::hex(0x7E5132));
}
