//! Blocks of 32 weights, each rounded with the scale that its largest weight suggests.

use crate::scale::put_scale;

/// The largest magnitude becomes 127.
pub(crate) fn q8_0(values: &[f32], block: &mut [u8]) {
    let largest = values.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
    let d = largest / 127.0;
    let inverse = if d > 0.0 { 1.0 / d } else { 0.0 };
    put_scale(block, 0, d);
    for (to, value) in block[2..].iter_mut().zip(values) {
        *to = (value * inverse).round() as i8 as u8;
    }
}

/// The weight of the largest magnitude becomes −8, because there is no 8.
pub(crate) fn q4_0(values: &[f32], block: &mut [u8]) {
    let largest = values.iter().fold(0.0_f32, |most, value| if value.abs() > most.abs() { *value } else { most });
    let d = largest / -8.0;
    let inverse = if d == 0.0 { 0.0 } else { 1.0 / d };
    put_scale(block, 0, d);
    let integer = |value: f32| (value * inverse + 8.5).clamp(0.0, 15.0) as u8;
    for i in 0..16 {
        block[2 + i] = integer(values[i]) | integer(values[16 + i]) << 4;
    }
}

#[cfg(test)]
mod tests {
    use crate::BlockKind;

    #[test]
    fn a_weight_is_off_by_half_a_step_at_most() {
        let values: Vec<f32> = (0..320).map(|i| ((i * i) as f32 * 0.37).sin() * (i / 32) as f32).collect();
        for (kind, steps) in [(BlockKind::Q8_0, 127.0), (BlockKind::Q4_0, 8.0)] {
            let blocks = kind.quantize(&values).unwrap();
            for (values, block) in values.chunks(32).zip(blocks.chunks(kind.bytes())) {
                let mut wide = [0.0; 32];
                kind.widen(block, &mut wide);
                let largest = values.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
                // In four bits there is no 8, so a weight as large as the largest, with the other sign, is off by a step. The
                // scale has 11 bits.
                let most = largest / steps * if kind == BlockKind::Q4_0 { 1.0 } else { 0.5 } + largest / 2048.0;
                for (value, wide) in values.iter().zip(wide) {
                    assert!((value - wide).abs() <= most, "{kind}: {value} became {wide}");
                }
            }
        }
    }

    #[test]
    fn zeros_stay_zeros() {
        for kind in BlockKind::ALL.into_iter().filter(|kind| kind.is_written()) {
            let blocks = kind.quantize(&[0.0; 256]).unwrap();
            let mut wide = vec![1.0; kind.values()];
            kind.widen(&blocks[..kind.bytes()], &mut wide);
            assert!(wide.iter().all(|value| *value == 0.0), "{kind}");
        }
    }
}
