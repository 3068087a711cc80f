//! Every place where a file may store its own strength.

use std::fs;

use half::{bf16, f16};
use safetensors::Dtype;

use crate::{File, check, check_tensors, merged, merged_paths, network_file, sum};

/// A rank-2 change of the linear layer, as kohya writes it, without a strength.
fn plain() -> File {
    File::default().with("lora_unet_linear.lora_down.weight", &[2, 8]).with("lora_unet_linear.lora_up.weight", &[4, 2])
}

/// The same as PEFT writes it, with `prefix` before the module.
fn pefts(prefix: &str) -> File {
    plain().renamed(|key| {
        let part = if key.contains("lora_down") { "lora_A" } else { "lora_B" };
        format!("{prefix}linear.{part}.weight")
    })
}

/// The values that `plain` adds to the linear layer at a strength.
fn added(strength: f64) -> Vec<f64> {
    let file = plain();
    let at = |part: &str, place| file.at(&format!("lora_unet_linear.{part}.weight"), place);
    let each = |o: usize, i: usize| strength * sum(2, |r| at("lora_up", [o, r]) * at("lora_down", [r, i]));
    (0..32).map(|at| each(at / 8, at % 8)).collect()
}

fn assert_strength(file: &File, strength: f64) {
    check_tensors(file, 1.0, &[("linear.weight", added(strength))]);
}

#[test]
fn alpha_may_be_an_integer_or_a_float_of_any_width() {
    let key = "lora_unet_linear.alpha";
    for (dtype, bytes) in [
        (Dtype::I64, 3_i64.to_le_bytes().to_vec()),
        (Dtype::U64, 3_u64.to_le_bytes().to_vec()),
        (Dtype::I32, 3_i32.to_le_bytes().to_vec()),
        (Dtype::U32, 3_u32.to_le_bytes().to_vec()),
        (Dtype::I16, 3_i16.to_le_bytes().to_vec()),
        (Dtype::U16, 3_u16.to_le_bytes().to_vec()),
        (Dtype::I8, vec![3]),
        (Dtype::U8, vec![3]),
        (Dtype::F64, 3_f64.to_le_bytes().to_vec()),
        (Dtype::F16, f16::from_f32(3.0).to_le_bytes().to_vec()),
        (Dtype::BF16, bf16::from_f32(3.0).to_le_bytes().to_vec()),
    ] {
        assert_strength(&plain().with_typed(key, dtype, &bytes), 1.5);
    }
    for (dtype, bytes) in [
        (Dtype::I64, (-3_i64).to_le_bytes().to_vec()),
        (Dtype::I32, (-3_i32).to_le_bytes().to_vec()),
        (Dtype::I16, (-3_i16).to_le_bytes().to_vec()),
        (Dtype::I8, vec![0xfd]),
    ] {
        assert_strength(&plain().with_typed(key, dtype, &bytes), -1.5);
    }
    assert_strength(&plain().with_typed(key, Dtype::BOOL, &[1]), 0.5);
    assert_strength(&plain().with_values(key, &[1], vec![3.0]), 1.5);
    assert_strength(&plain().with_scalar(key, 0.0), 0.0);
}

#[test]
fn without_an_alpha_the_strength_is_1_whatever_the_metadata_and_the_ranks_are() {
    assert_strength(&plain(), 1.0);
    // Without an alpha kohya's own loader uses the rank too, and not the metadata.
    let mut noted = plain();
    noted.metadata.insert("ss_network_alpha".into(), "16".into());
    assert_strength(&noted, 1.0);
    let mixed = plain()
        .with("lora_unet_conv.lora_down.weight", &[5, 8, 3, 3])
        .with("lora_unet_conv.lora_up.weight", &[4, 5, 1, 1]);
    check(&mixed, 1.0, |layer, o, i, row, column| {
        let rank = if layer == "linear" { 2 } else { 5 };
        let at = |part: &str, place| mixed.at(&format!("lora_unet_{layer}.{part}.weight"), place);
        sum(rank, |r| at("lora_up", [o, r, 0, 0]) * at("lora_down", [r, i, row, column]))
    });
}

#[test]
fn diffusers_stores_pefts_settings_with_and_without_a_networks_name() {
    assert_strength(&pefts("unet.").with_settings(r#"{"unet.lora_alpha": 8, "text_encoder.lora_alpha": 2}"#), 4.0);
    assert_strength(&pefts("").with_settings(r#"{"lora_alpha": 8, "r": 2}"#), 4.0);
    assert_strength(&pefts("unet.").with_settings(r#"{"lora_alpha": 8}"#), 4.0);
    assert_strength(&pefts("unet.").with_settings(r#"{"text_encoder.lora_alpha": 8}"#), 1.0);
    let stabilised = r#"{"unet.lora_alpha": 8, "unet.use_rslora": true}"#;
    assert_strength(&pefts("unet.").with_settings(stabilised), 8.0 / 2_f64.sqrt());
    for pattern in ["linear", "^linear", "li.*r", "(linear|conv)"] {
        let settings = format!(r#"{{"unet.lora_alpha": 8, "unet.alpha_pattern": {{"{pattern}": 6}}}}"#);
        assert_strength(&pefts("unet.").with_settings(&settings), 3.0);
    }
    for pattern in ["inear", "line", "x.linear"] {
        let settings = format!(r#"{{"unet.lora_alpha": 8, "unet.alpha_pattern": {{"{pattern}": 6}}}}"#);
        assert_strength(&pefts("unet.").with_settings(&settings), 4.0);
    }
    // A tensor overrides them.
    assert_strength(&pefts("").with_scalar("linear.alpha", 3.0).with_settings(r#"{"lora_alpha": 8}"#), 1.5);
}

/// The linear weights after merging an adapter from a folder with PEFT's settings.
fn beside(settings: &str, name: &str, file: &File) -> Vec<f32> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("adapter_config.json"), settings).unwrap();
    let path = folder.path().join(name);
    file.write(&path);
    merged_paths(&[(&path, 1.0)]).0.remove("linear.weight").unwrap()
}

#[test]
fn pefts_settings_may_be_beside_its_file() {
    let weight = |strength| {
        let before = network_file().values("linear.weight");
        before.into_iter().zip(added(strength)).map(|(a, b)| a + b).collect::<Vec<f64>>()
    };
    let assert_close = |found: Vec<f32>, strength: f64| {
        let furthest = found.iter().zip(weight(strength)).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
        assert!(furthest < 1e-5, "{strength}: {furthest}");
    };
    let settings = r#"{"peft_type": "LORA", "r": 2, "lora_alpha": 8}"#;
    assert_close(beside(settings, "adapter_model.safetensors", &pefts("base_model.model.")), 4.0);
    assert_close(beside(settings, "renamed.safetensors", &pefts("base_model.model.")), 4.0);
    assert_close(beside(settings, "adapter_model.safetensors", &pefts("unet.base_model.model.")), 4.0);
    let patterns = r#"{"peft_type": "LORA", "r": 16, "lora_alpha": 8, "rank_pattern": {"linear": 2}, "alpha_pattern": {"linear": 6}}"#;
    assert_close(beside(patterns, "adapter_model.safetensors", &pefts("base_model.model.")), 3.0);
    // They do not apply to other files in the same folder.
    assert_close(beside(settings, "style.safetensors", &plain()), 1.0);
    assert_close(beside(settings, "style.safetensors", &pefts("unet.")), 1.0);
    // The file's own metadata override them.
    let own = pefts("base_model.model.").with_settings(r#"{"lora_alpha": 2}"#);
    assert_close(beside(settings, "adapter_model.safetensors", &own), 1.0);
}

#[test]
fn pefts_lokr_of_whole_factors_has_the_rank_of_its_settings() {
    let file = File::default()
        .with("base_model.model.linear.lokr_w1", &[2, 4])
        .with("base_model.model.linear.lokr_w2", &[2, 2])
        .with_settings(r#"{"peft_type": "LOKR", "r": 4, "alpha": 2}"#);
    check(&file, 1.0, |layer, o, i, _, _| {
        let at = |part: &str, place| file.at(&format!("base_model.model.linear.{part}"), place);
        if layer == "linear" { 0.5 * at("lokr_w1", [o / 2, i / 2]) * at("lokr_w2", [o % 2, i % 2]) } else { 0.0 }
    });
}

#[test]
fn one_module_under_two_names_adds_up() {
    let split = |rank: usize, prefix: &str, [down, up]: [&str; 2]| {
        let file = plain();
        let (all_down, all_up) =
            (file.values("lora_unet_linear.lora_down.weight"), file.values("lora_unet_linear.lora_up.weight"));
        File::default()
            .with_values(
                &format!("{prefix}.{down}.weight"),
                &[1, 8],
                all_down[8 * rank..][..8].iter().map(|v| *v as f32).collect(),
            )
            .with_values(
                &format!("{prefix}.{up}.weight"),
                &[4, 1],
                (0..4).map(|o| all_up[2 * o + rank] as f32).collect(),
            )
    };
    let (kohya, peft) = (["lora_down", "lora_up"], ["lora_A", "lora_B"]);
    for (prefixes, names) in [
        (["lora_unet_linear", "unet.linear"], [kohya, peft]),
        (["lycoris_linear", "lora_unet_linear"], [kohya, kohya]),
        (["linear", "base_model.model.linear"], [peft, peft]),
        (["linear", "linear"], [["lora_A.one", "lora_B.one"], ["lora_A.two", "lora_B.two"]]),
    ] {
        let mut file = split(0, prefixes[0], names[0]);
        file.tensors.extend(split(1, prefixes[1], names[1]).tensors);
        assert_strength(&file, 1.0);
    }
}

#[test]
fn equal_copies_of_a_module_are_merged_once() {
    let mut file = plain().with_scalar("lora_unet_linear.alpha", 1.0);
    file.tensors.extend(file.renamed(|key| key.replace("lora_unet_", "lycoris_")).tensors);
    assert_strength(&file, 0.5);
    // A copy that differs in anything is another module.
    file = file.with_scalar("lycoris_linear.alpha", 2.0);
    assert_strength(&file, 1.5);
}

#[test]
fn alpha_belongs_to_a_single_adapter_that_has_a_name() {
    let named = pefts("").renamed(|key| key.replace(".weight", ".default.weight")).with_scalar("linear.alpha", 4.0);
    assert_strength(&named, 2.0);
    assert_eq!(merged(&[(&named, 0.0)])["linear.weight"], network_file().tensors["linear.weight"].1);
}
