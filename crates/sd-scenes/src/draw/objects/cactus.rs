use crate::draw::brush::Brush;
use crate::draw::rgb::Rgb;

/// 15 wide and 23 high.
pub(super) fn draw(brush: &mut Brush<'_>) {
    let skin = Rgb::hex(0x3A9A56);
    let parts: [(&[(f32, f32)], f32); 3] = [
        (&[(0.0, -9.0), (-5.6, -9.0), (-5.6, -15.0)], 3.3),
        (&[(0.0, -6.4), (5.6, -6.4), (5.6, -13.4)], 3.3),
        (&[(0.0, -2.0), (0.0, -20.4)], 5.2),
    ];
    for (points, width) in parts {
        brush.line(points, width, skin.darker(0.24));
    }
    brush.rect(-2.6, -3.0, 5.2, 3.0, skin.darker(0.24));
    for (points, width) in parts {
        let lit: Vec<(f32, f32)> = points.iter().map(|(x, y)| (x - 0.5, *y - 0.1)).collect();
        brush.line(&lit, width - 1.2, skin);
    }
    brush.line(&[(-0.9, -3.0), (-0.9, -20.0)], 0.8, skin.lighter(0.3));
    brush.disc(0.2, -22.8, 1.5, Rgb::hex(0xF0689A));
}
