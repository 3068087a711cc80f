//! Files that are not merged, and their messages.

use std::fs;

use sd_weights::{Component, Lora, Weights};

use crate::low_rank::kohya;
use crate::{File, merged_paths, network_file};

fn refusal(file: &File) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (network, lora) = (folder.path().join("network.safetensors"), folder.path().join("lora.safetensors"));
    network_file().write(&network);
    file.write(&lora);
    let mut weights = Weights::in_file(&network).unwrap();
    let lora = Lora::open(&lora, 1.0);
    lora.and_then(|lora| lora.merge(&mut [(Component::Unet, &mut weights)])).unwrap_err().to_string()
}

fn assert_refused(file: &File, expected: &str) {
    let message = refusal(file);
    assert!(message.contains(expected), "{message}");
}

#[test]
fn a_module_that_does_not_fit_is_named() {
    let other = File::default().with("unet.far.lora_A.weight", &[1, 8]).with("unet.far.lora_B.weight", &[4, 1]);
    assert_refused(&other, "none of its 1 modules is in the model: unet.far");
    let wide = File::default().with("unet.linear.lora_A.weight", &[1, 9]).with("unet.linear.lora_B.weight", &[4, 1]);
    assert_refused(
        &wide,
        "1 of its modules are of another shape than the model's: `unet.linear` [4, 9] instead of [4, 8]",
    );
    let torn = File::default().with("unet.linear.lora_A.weight", &[2, 8]).with("unet.linear.lora_B.weight", &[4, 1]);
    assert_refused(&torn, "of another shape");
    let half = File::default().with("unet.linear.lora_A.weight", &[2, 8]);
    assert_refused(&half, "not a LoRA file");
    for file in [
        File::default().with("lora_unet_linear.diff", &[4, 9]),
        File::default().with("lora_unet_norm.w_norm", &[5]),
        File::default().with("lora_unet_linear.oft_blocks", &[3, 2, 2]),
        File::default().with("lora_unet_linear.oft_blocks", &[2, 2, 3]),
        File::default().with("lora_unet_linear.oft_blocks", &[3, 2, 2, 2]),
        File::default().with("linear.oft_R.weight", &[2, 5]),
        File::default().with("linear.boft_R", &[2, 3, 4, 4]),
        File::default().with("linear.ia3_l", &[5, 1]),
        File::default().with("lora_unet_linear.weight", &[8]).with_scalar("lora_unet_linear.on_input", 0.0),
        kohya().with("lora_unet_linear.dora_scale", &[5, 1]),
    ] {
        assert_refused(&file, "of another shape");
    }
}

#[test]
fn a_model_is_not_a_lora() {
    assert_refused(
        &network_file(),
        "not a LoRA file: it has no pairs of lora_down and lora_up or the like, but conv.bias",
    );
}

#[test]
fn modules_that_the_model_lacks_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lora.safetensors");
    let file = kohya().with("lora_unet_far.lora_up.weight", &[1, 1]).with("lora_unet_far.lora_down.weight", &[1, 1]);
    let file = file.with("lora_unet_linear.diff_b", &[4]).with("lora_unet_norm.up", &[4]).with("_aux.0", &[1]);
    file.with("lora_unet_linear_x.diff_b", &[4]).write(&path);
    let (_, reports) = merged_paths(&[(&path, 1.0)]);
    let expected = ["lora_unet_far", "lora_unet_linear_x", "lora_unet_norm.up"];
    assert_eq!((reports[0].matched, &reports[0].unmatched[..]), (2, &expected.map(String::from)[..]));
}

#[test]
fn a_rank_of_0_is_reported() {
    let empty = File::default()
        .with("lora_unet_linear.lora_down.weight", &[0, 8])
        .with("lora_unet_linear.lora_up.weight", &[4, 0])
        .with_scalar("lora_unet_linear.alpha", 1.0);
    assert_refused(
        &empty,
        "`lora_unet_linear.lora_down.weight` is [0, 8] and holds no values: it was saved with a rank of 0",
    );
    let lost = kohya().with_values("lora_unet_linear.alpha", &[0], vec![]);
    assert_refused(&lost, "`lora_unet_linear.alpha` is [0] and holds no values");
}

#[test]
fn invalid_strengths_are_refused() {
    let key = "lora_unet_linear.alpha";
    assert_refused(&kohya().with_scalar(key, f32::NAN), "`lora_unet_linear.alpha` is NaN");
    assert_refused(&kohya().with_scalar(key, f32::INFINITY), "`lora_unet_linear.alpha` is inf");
    assert_refused(
        &kohya().with_values(key, &[2], vec![1.0, 2.0]),
        "`lora_unet_linear.alpha` is [2], expected one value",
    );
    assert_refused(&kohya().with_settings("{"), "PEFT's settings in it are not a JSON object");
    let lokr = File::default().with("linear.lokr_w1", &[2, 4]).with("linear.lokr_w2", &[2, 2]);
    assert_refused(&lokr.with_settings(r#"{"peft_type": "LOKR", "r": 0}"#), "the rank of `linear` is 0");
}

#[test]
fn unsupported_kinds_are_named() {
    for (key, kind) in [
        ("lora_unet_linear.lambda_layer", "T-LoRA"),
        ("lora_unet_linear.bias_values", "sparse differences"),
        ("linear.lora_E", "AdaLoRA"),
        ("linear.oft_r", "OFT of PEFT before 0.15"),
        ("unet:0:up", "cloneofsimo"),
        ("lllite_unet_linear.up.weight", "ControlNet-LLLite"),
        ("lora_transformer_single_blocks_0.lora_up.weight", "Flux"),
    ] {
        assert_refused(&kohya().with(key, &[1]), kind);
    }
    let error = refusal(&kohya().with("linear.lora_E", &[1]));
    assert!(
        error.contains("this LoRA cannot be merged: `linear.lora_E` belongs to AdaLoRA of PEFT: this is not supported"),
        "{error}"
    );
    assert_refused(&kohya().with_settings(r#"{"peft_type": "VERA"}"#), "`peft_type` is \"VERA\"");
}

#[test]
fn one_part_of_a_module_under_two_names_is_refused() {
    let twice = kohya().with("lora_unet_linear.lora_A.weight", &[2, 8]);
    assert_refused(&twice, "are the same part of one module: remove one of them");
}

#[test]
fn a_folder_means_the_only_adapter_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Lora::open(folder.path(), 1.0);
    let message = open().unwrap_err().to_string();
    assert!(message.contains("no weights here; looked for adapter_model or pytorch_lora_weights"), "{message}");
    fs::write(folder.path().join("README.md"), "").unwrap();
    kohya().write(&folder.path().join("style.safetensors"));
    assert!(open().is_ok());
    kohya().write(&folder.path().join("other.safetensors"));
    let message = open().unwrap_err().to_string();
    assert!(message.contains("a folder with 2 files of weights (other.safetensors, style.safetensors)"), "{message}");
    // Other files of a training's checkpoint do not count.
    fs::write(folder.path().join("optimizer.bin"), "").unwrap();
    kohya().write(&folder.path().join("pytorch_lora_weights.safetensors"));
    assert!(open().is_ok());
    kohya().write(&folder.path().join("adapter_model.safetensors"));
    assert!(open().unwrap_err().to_string().contains("2 files of weights"));
}
