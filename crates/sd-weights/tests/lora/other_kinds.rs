//! Changes that are not only of low rank, against their definitions.

use crate::matrix::Matrix;
use crate::{File, check, check_tensors, network_file, sum};

#[test]
fn full_differences_are_added_to_weights_biases_and_norms() {
    let file = File::default()
        .with("lora_unet_linear.diff", &[4, 8])
        .with("lora_unet_linear.diff_b", &[4])
        .with("lora_unet_conv.diff", &[4, 8, 3, 3])
        .with("lora_unet_norm.w_norm", &[4])
        .with("lora_unet_norm.b_norm", &[4]);
    for scale in [1.0, -0.7] {
        let added = |key: &str| file.values(key).into_iter().map(|value| scale * value).collect::<Vec<f64>>();
        check_tensors(
            &file,
            scale,
            &[
                ("linear.weight", added("lora_unet_linear.diff")),
                ("linear.bias", added("lora_unet_linear.diff_b")),
                ("conv.weight", added("lora_unet_conv.diff")),
                ("norm.weight", added("lora_unet_norm.w_norm")),
                ("norm.bias", added("lora_unet_norm.b_norm")),
            ],
        );
    }
}

#[test]
fn a_low_rank_change_may_come_with_one_of_the_bias() {
    let file = File::default()
        .with("base_model.model.linear.lora_A.weight", &[2, 8])
        .with("base_model.model.linear.lora_B.weight", &[4, 2])
        .with("base_model.model.linear.lora_B.bias", &[4])
        .with("lora_unet_conv.diff_b", &[4])
        .with_settings(r#"{"lora_alpha": 6, "r": 2}"#);
    let (down, up) =
        (file.values("base_model.model.linear.lora_A.weight"), file.values("base_model.model.linear.lora_B.weight"));
    let added = Matrix::new(2, &up).times(&Matrix::new(8, &down)).scaled(0.5 * 3.0);
    let bias = |key: &str, factor: f64| file.values(key).into_iter().map(|value| factor * value).collect::<Vec<f64>>();
    check_tensors(
        &file,
        0.5,
        &[
            ("linear.weight", added.values()),
            ("linear.bias", bias("base_model.model.linear.lora_B.bias", 1.5)),
            ("conv.bias", bias("lora_unet_conv.diff_b", 0.5)),
        ],
    );
}

#[test]
fn whole_tensors_beside_changes_replace_the_models() {
    let file = File::default()
        .with("base_model.model.linear.lora_A.weight", &[1, 8])
        .with("base_model.model.linear.lora_B.weight", &[4, 1])
        .with("base_model.model.linear.base_layer.bias", &[4])
        .with("base_model.model.conv.weight", &[4, 8, 3, 3])
        .with("base_model.model.norm.modules_to_save.weight", &[4]);
    let network = network_file();
    let product = |o: usize, i: usize| {
        file.at("base_model.model.linear.lora_B.weight", [o]) * file.at("base_model.model.linear.lora_A.weight", [0, i])
    };
    for scale in [1.0, 0.25] {
        let instead = |key: &str, name: &str| {
            let (new, old) = (file.values(name), network.values(key));
            new.iter().zip(old).map(|(new, old)| scale * (new - old)).collect::<Vec<f64>>()
        };
        check_tensors(
            &file,
            scale,
            &[
                ("linear.weight", Matrix::from_fn(4, 8, |o, i| scale * product(o, i)).values()),
                ("linear.bias", instead("linear.bias", "base_model.model.linear.base_layer.bias")),
                ("conv.weight", instead("conv.weight", "base_model.model.conv.weight")),
                ("norm.weight", instead("norm.weight", "base_model.model.norm.modules_to_save.weight")),
            ],
        );
    }
}

#[test]
fn ia3_of_lycoris_multiplies_outputs_or_inputs() {
    for (of_inputs, linear, conv) in [(0.0, 4, 4), (1.0, 8, 8)] {
        let file = File::default()
            .with("lora_unet_linear.weight", &[linear])
            .with_scalar("lora_unet_linear.on_input", of_inputs)
            .with("lora_unet_conv.weight", &[1, conv, 1, 1])
            .with_scalar("lora_unet_conv.on_input", of_inputs);
        let network = network_file();
        for scale in [1.0, 0.6] {
            check(&file, scale, |layer, o, i, row, column| {
                let factors = file.values(&format!("lora_unet_{layer}.weight"));
                let weight = network.at(&format!("{layer}.weight"), [o, i, row, column]);
                scale * weight * factors[if of_inputs == 1.0 { i } else { o }]
            });
        }
    }
}

#[test]
fn ia3_of_peft_multiplies_outputs_with_their_biases_or_inputs() {
    let network = network_file();
    let outputs = File::default()
        .with("base_model.model.linear.ia3_l", &[4, 1])
        .with("base_model.model.conv.ia3_l", &[1, 4, 1, 1])
        .with_settings(r#"{"peft_type": "IA3", "feedforward_modules": []}"#);
    let factor = |layer: &str, o: usize| outputs.values(&format!("base_model.model.{layer}.ia3_l"))[o];
    for scale in [1.0, 0.6] {
        let multiplied = |layer: &str, kind: &str, each: usize| {
            let values = network.values(&format!("{layer}.{kind}"));
            let added = |(at, value): (usize, f64)| scale * value * (factor(layer, at / each) - 1.0);
            values.into_iter().enumerate().map(added).collect::<Vec<f64>>()
        };
        check_tensors(
            &outputs,
            scale,
            &[
                ("linear.weight", multiplied("linear", "weight", 8)),
                ("linear.bias", multiplied("linear", "bias", 1)),
                ("conv.weight", multiplied("conv", "weight", 72)),
                ("conv.bias", multiplied("conv", "bias", 1)),
            ],
        );
    }
    let inputs = File::default()
        .with("base_model.model.linear.ia3_l", &[1, 8])
        .with("base_model.model.conv.ia3_l", &[1, 8, 1, 1])
        .with_settings(r#"{"peft_type": "IA3", "feedforward_modules": ["conv"]}"#);
    check(&inputs, 1.0, |layer, o, i, row, column| {
        let factor = inputs.values(&format!("base_model.model.{layer}.ia3_l"))[i];
        network.at(&format!("{layer}.weight"), [o, i, row, column]) * (factor - 1.0)
    });
}

#[test]
fn glora_depends_on_the_weight() {
    let network = network_file();
    // LyCORIS since version 2, and before.
    let new = File::default()
        .with("lora_unet_linear.a1.weight", &[8, 2])
        .with("lora_unet_linear.a2.weight", &[2, 8])
        .with("lora_unet_linear.b1.weight", &[4, 2])
        .with("lora_unet_linear.b2.weight", &[2, 8])
        .with_scalar("lora_unet_linear.alpha", 1.0)
        .with("lora_unet_conv.a1.weight", &[8, 3, 1, 1])
        .with("lora_unet_conv.a2.weight", &[3, 8, 1, 1])
        .with("lora_unet_conv.b1.weight", &[4, 3, 1, 1])
        .with("lora_unet_conv.b2.weight", &[3, 8, 3, 3]);
    let swapped = new.renamed(|key| {
        let swap = [("a1", "a2"), ("a2", "a1"), ("b1", "b2"), ("b2", "b1")];
        let found = swap.iter().find(|(from, _)| key.contains(from));
        found.map_or_else(|| key.to_string(), |(from, to)| key.replace(from, to))
    });
    for file in [&new, &swapped] {
        check(file, 0.9, |layer, o, i, row, column| {
            let rank = if layer == "linear" { 2 } else { 3 };
            let at = |part: &str, place| new.at(&format!("lora_unet_{layer}.{part}.weight"), place);
            let a = |from, to| sum(rank, |r| at("a1", [from, r, 0, 0]) * at("a2", [r, to, 0, 0]));
            let b = sum(rank, |r| at("b1", [o, r, 0, 0]) * at("b2", [r, i, row, column]));
            let weight = |from| network.at(&format!("{layer}.weight"), [o, from, row, column]);
            let strength = if layer == "linear" { 0.5 } else { 1.0 };
            0.9 * strength * (sum(8, |from| weight(from) * a(from, i)) + b)
        });
    }
}
