//! Low-rank changes, against the sums that define them.

use crate::{File, Tensors, check, merged, network_file, sum};

pub fn kohya() -> File {
    File::default()
        .with("lora_unet_linear.lora_down.weight", &[2, 8])
        .with("lora_unet_linear.lora_up.weight", &[4, 2])
        .with_scalar("lora_unet_linear.alpha", 1.0)
        .with("lora_unet_conv.lora_down.weight", &[3, 8, 3, 3])
        .with("lora_unet_conv.lora_up.weight", &[4, 3, 1, 1])
}

pub fn kohya_change(file: &File, layer: &str, o: usize, i: usize, row: usize, column: usize) -> f64 {
    let rank = if layer == "linear" { 2 } else { 3 };
    let up = |r| file.at(&format!("lora_unet_{layer}.lora_up.weight"), [o, r, 0, 0]);
    let down = |r| file.at(&format!("lora_unet_{layer}.lora_down.weight"), [r, i, row, column]);
    let strength = if layer == "linear" { 0.5 } else { 1.0 };
    strength * sum(rank, |r| up(r) * down(r))
}

#[test]
fn lora_adds_up_times_down_over_the_rank() {
    let file = kohya();
    check(&file, 0.7, |layer, o, i, row, column| 0.7 * kohya_change(&file, layer, o, i, row, column));
}

#[test]
fn locon_has_a_core_between_up_and_down() {
    let file = File::default()
        .with("lora_unet_conv.lora_down.weight", &[3, 8, 1, 1])
        .with("lora_unet_conv.lora_mid.weight", &[2, 3, 3, 3])
        .with("lora_unet_conv.lora_up.weight", &[4, 2, 1, 1])
        .with_scalar("lora_unet_conv.alpha", 6.0);
    check(&file, 1.0, |layer, o, i, row, column| {
        let mid = |a, b| file.at("lora_unet_conv.lora_mid.weight", [a, b, row, column]);
        let up = |a| file.at("lora_unet_conv.lora_up.weight", [o, a]);
        let down = |b| file.at("lora_unet_conv.lora_down.weight", [b, i]);
        if layer == "conv" { 2.0 * sum(2, |a| sum(3, |b| up(a) * mid(a, b) * down(b))) } else { 0.0 }
    });
}

#[test]
fn loha_multiplies_two_changes() {
    let file = File::default()
        .with("lora_unet_linear.hada_w1_a", &[4, 2])
        .with("lora_unet_linear.hada_w1_b", &[2, 8])
        .with("lora_unet_linear.hada_w2_a", &[4, 2])
        .with("lora_unet_linear.hada_w2_b", &[2, 8])
        .with_scalar("lora_unet_linear.alpha", 3.0)
        .with("lora_unet_conv.hada_t1", &[2, 2, 3, 3])
        .with("lora_unet_conv.hada_w1_a", &[2, 4])
        .with("lora_unet_conv.hada_w1_b", &[2, 8])
        .with("lora_unet_conv.hada_t2", &[2, 2, 3, 3])
        .with("lora_unet_conv.hada_w2_a", &[2, 4])
        .with("lora_unet_conv.hada_w2_b", &[2, 8]);
    check(&file, -1.0, |layer, o, i, row, column| {
        let half = |n: usize| {
            let at = |part: &str, place| file.at(&format!("lora_unet_{layer}.hada_{part}"), place);
            let (a, b, t) = (format!("w{n}_a"), format!("w{n}_b"), format!("t{n}"));
            if layer == "linear" {
                sum(2, |r| at(&a, [o, r, 0, 0]) * at(&b, [r, i, 0, 0]))
            } else {
                sum(2, |r| sum(2, |s| at(&t, [r, s, row, column]) * at(&a, [r, o, 0, 0]) * at(&b, [s, i, 0, 0])))
            }
        };
        let strength = if layer == "linear" { 1.5 } else { 1.0 };
        -strength * half(1) * half(2)
    });
}

#[test]
fn lokr_is_a_kronecker_product() {
    let file = File::default()
        .with("lora_unet_linear.lokr_w1", &[2, 4])
        .with("lora_unet_linear.lokr_w2", &[2, 2])
        // With both factors whole there is no rank, and alpha has no effect.
        .with_scalar("lora_unet_linear.alpha", 5.0)
        .with("lora_unet_conv.lokr_w1_a", &[2, 1])
        .with("lora_unet_conv.lokr_w1_b", &[1, 4])
        .with("lora_unet_conv.lokr_t2", &[2, 2, 3, 3])
        .with("lora_unet_conv.lokr_w2_a", &[2, 2])
        .with("lora_unet_conv.lokr_w2_b", &[2, 2])
        .with_scalar("lora_unet_conv.alpha", 1.0);
    check(&file, 1.0, |layer, o, i, row, column| {
        if layer == "linear" {
            return file.at("lora_unet_linear.lokr_w1", [o / 2, i / 2])
                * file.at("lora_unet_linear.lokr_w2", [o % 2, i % 2]);
        }
        let at = |part: &str, place| file.at(&format!("lora_unet_conv.lokr_{part}"), place);
        let first = at("w1_a", [o / 2, 0, 0, 0]) * at("w1_b", [0, i / 2, 0, 0]);
        let second = |r, s| at("t2", [r, s, row, column]) * at("w2_a", [r, o % 2, 0, 0]) * at("w2_b", [s, i % 2, 0, 0]);
        0.5 * first * sum(2, |r| sum(2, |s| second(r, s)))
    });
}

/// Checks a file with lengths under `key`, where the scale of the file multiplies the low-rank change by `within` and the
/// whole change by `outside`.
fn check_dora(key: &str, [linear, conv]: [&[usize]; 2], scale: f64, within: f64, outside: f64) {
    let (lora, network) = (kohya(), network_file());
    let file =
        lora.clone().with(&format!("lora_unet_linear.{key}"), linear).with(&format!("lora_unet_conv.{key}"), conv);
    let changed = |layer: &str, o, i, row, column| {
        let weight = network.at(&format!("{layer}.weight"), [o, i, row, column]);
        weight + within * kohya_change(&lora, layer, o, i, row, column)
    };
    let square = |layer: &str, o, i| {
        let kernel = if layer == "linear" { 1 } else { 9 };
        sum(kernel, |k| changed(layer, o, i, k / 3, k % 3).powi(2))
    };
    check(&file, scale, |layer, o, i, row, column| {
        let lengths = file.values(&format!("lora_unet_{layer}.{key}"));
        let is_of_inputs = lengths.len() == 8;
        let length = if is_of_inputs { sum(4, |o| square(layer, o, i)) } else { sum(8, |i| square(layer, o, i)) };
        let wanted = lengths[if is_of_inputs { i } else { o }];
        let weight = network.at(&format!("{layer}.weight"), [o, i, row, column]);
        outside * (changed(layer, o, i, row, column) * wanted / length.sqrt() - weight)
    });
}

#[test]
fn the_scale_of_lycoris_dora_multiplies_the_whole_change() {
    let shapes: [[&[usize]; 2]; 3] = [[&[4, 1], &[1, 8, 1, 1]], [&[1, 8], &[4, 1, 1, 1]], [&[4], &[8]]];
    for shapes in shapes {
        for scale in [0.0, 0.5, 1.0, -0.3] {
            check_dora("dora_scale", shapes, scale, 1.0, scale);
        }
    }
}

#[test]
fn dora_of_peft_keeps_its_lengths_at_all_scales() {
    for key in ["lora_magnitude_vector", "lora_magnitude_vector.weight", "magnitude"] {
        for scale in [0.0, 0.5, 1.0] {
            check_dora(key, [&[4], &[1, 4, 1, 1]], scale, scale, 1.0);
        }
    }
}

#[test]
fn dora_leaves_zero_weights_at_zero() {
    let zero = |shape: &[usize]| vec![0.0; shape.iter().product()];
    let network = network_file();
    let row: Vec<f32> = network.tensors["linear.weight"].1[8..16].iter().map(|value| -value).collect();
    // The second output's weights become zero, and zero has no direction.
    let mut up = zero(&[4, 1]);
    up[1] = 1.0;
    let file = File::default()
        .with_values("lora_unet_linear.lora_down.weight", &[1, 8], row)
        .with_values("lora_unet_linear.lora_up.weight", &[4, 1], up)
        .with("lora_unet_linear.dora_scale", &[4, 1]);
    let linear = &merged(&[(&file, 1.0)])["linear.weight"];
    assert_eq!(linear[8..16], [0.0; 8]);
    assert!(linear.iter().all(|value| value.is_finite()));
}

#[test]
fn the_order_of_several_files_does_not_matter() {
    let second = File::default()
        .with("unet.linear.lora_A.weight", &[1, 8])
        .with("unet.linear.lora_B.weight", &[4, 1])
        .with("unet.linear.lora_magnitude_vector", &[4]);
    let first = kohya();
    let (a, b) = (
        merged(&[(&first, 0.3), (&second, 1.0), (&first, 0.1)]),
        merged(&[(&first, 0.1), (&first, 0.3), (&second, 1.0)]),
    );
    let bits = |tensors: &Tensors| tensors.values().flatten().map(|value| value.to_bits()).collect::<Vec<u32>>();
    assert_eq!(bits(&a), bits(&b));
    assert_ne!(a, merged(&[(&first, 0.3), (&second, 1.0)]));
}
