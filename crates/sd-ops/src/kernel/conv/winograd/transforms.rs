//! The matrices of F(4×4, 3×3) (Lavin and Gray 2015, section 4.3), each applied to a row.

use crate::kernel::simd::Vector;

/// Returns `Bᵀd` for six pixels.
#[inline(always)]
pub(super) fn transform_input<V: Vector>(d: [V; 6]) -> [V; 6] {
    let (two, four, five) = (V::splat(2.0), V::splat(4.0), V::splat(5.0));
    let (even, odd) = (d[4].sub(d[2].mul(four)), d[3].sub(d[1].mul(four)));
    let (near, far) = (d[4].sub(d[2]), d[3].sub(d[1]).mul(two));
    [
        d[0].mul_add(four, d[4].sub(d[2].mul(five))),
        even.add(odd),
        even.sub(odd),
        near.add(far),
        near.sub(far),
        d[1].mul_add(four, d[5].sub(d[3].mul(five))),
    ]
}

/// Returns `Gg` for three weights.
#[inline(always)]
pub(super) fn transform_weights<V: Vector>(g: [V; 3]) -> [V; 6] {
    let (outer, inner) = (g[0].add(g[2]).mul(V::splat(-1.0 / 6.0)), g[1].mul(V::splat(1.0 / 6.0)));
    let (wide, narrow) =
        (g[0].mul(V::splat(1.0 / 24.0)).add(g[2].mul(V::splat(1.0 / 6.0))), g[1].mul(V::splat(1.0 / 12.0)));
    [g[0].mul(V::splat(0.25)), outer.sub(inner), outer.add(inner), wide.add(narrow), wide.sub(narrow), g[2]]
}

/// Returns `Aᵀm` for six products.
#[inline(always)]
pub(super) fn transform_output<V: Vector>(m: [V; 6]) -> [V; 4] {
    let (even, odd) = (m[1].add(m[2]), m[1].sub(m[2]));
    let (even_2, odd_2) = (m[3].add(m[4]), m[3].sub(m[4]));
    [
        m[0].add(even).add(even_2),
        odd_2.mul_add(V::splat(2.0), odd),
        even_2.mul_add(V::splat(4.0), even),
        odd_2.mul_add(V::splat(8.0), odd).add(m[5]),
    ]
}
