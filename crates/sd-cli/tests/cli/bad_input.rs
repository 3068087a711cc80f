//! Bad input: one line that names the culprit and the remedy, and no image.

use std::path::{Path, PathBuf};
use std::process::Output;

use sd_golden::{Kind, TinyModel};

use crate::{Run, stderr};

/// Checks that a run failed with this exit code and one line that contains all these words, and left no file.
#[track_caller]
fn assert_refused(run: &Run, output: &Output, code: i32, words: &[&str]) {
    let message = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{message}");
    assert_eq!(message.trim_end().lines().count(), 1, "more than a line: {message}");
    assert!(message.starts_with("error: ") && !message.contains("internal error"), "{message}");
    for word in words {
        assert!(message.contains(word), "no {word:?} in: {message}");
    }
    assert!(run.files().iter().all(|file| !file.ends_with("png") && !file.ends_with("partial")), "{:?}", run.files());
}

#[track_caller]
fn assert_flags_refused(flags: &[&str], code: i32, words: &[&str]) {
    let run = Run::new();
    let output = run.generate(flags);
    assert_refused(&run, &output, code, words);
}

#[test]
fn sizes_and_steps_out_of_range() {
    assert_flags_refused(&["--width", "50"], 2, &["--width 50", "multiple of 8", "48", "56"]);
    assert_flags_refused(&["--height", "0"], 2, &["--height 0", "8"]);
    assert_flags_refused(&["--steps", "0"], 2, &["0 steps", "at least 1"]);
    assert_flags_refused(&["--steps", "1001"], 2, &["1001 steps", "at most 1000"]);
    assert_flags_refused(&["--sampler", "pndm", "--steps", "3"], 2, &["pndm", "at least 4"]);
}

#[test]
fn numbers_out_of_range() {
    assert_flags_refused(&["--eta", "1.5", "--sampler", "ddim"], 2, &["--eta 1.5", "0 to 1", "ddim"]);
    assert_flags_refused(&["--eta", "0.5", "--sampler", "plms"], 2, &["--eta", "ddim", "plms"]);
    assert_flags_refused(&["--order", "2.5", "--sampler", "unipc"], 2, &["--order 2.5", "1 to 3", "unipc"]);
    assert_flags_refused(&["--s-churn", "1"], 2, &["--s-churn is not an option of plms", "euler, heun"]);
    assert_flags_refused(&["--guidance", "nan"], 2, &["--guidance", "finite"]);
}

#[test]
fn schedules_that_cannot_work() {
    assert_flags_refused(&["--schedule", "magic"], 2, &["`magic`", "karras", "timesteps:"]);
    assert_flags_refused(&["--schedule", "sigmas:9,x"], 2, &["--schedule", "`x` is not a number"]);
    assert_flags_refused(&["--schedule", "sigmas:9,3,0", "--steps", "3"], 2, &["--steps 3", "lists 2"]);
    let multistep = |weights: &str| format!("multistep:9,3,0{weights}");
    assert_flags_refused(&["--schedule", &multistep(";1")], 2, &["--schedule", "weights of 1 steps, but levels of 2"]);
    assert_flags_refused(
        &["--schedule", &multistep(";1;1,1,1,1,1")],
        2,
        &["--schedule", "step 2 needs 1 to 4 weights"],
    );
    assert_flags_refused(&["--schedule", &multistep(";1;1e9")], 2, &["--schedule", "step 2 needs", "at most 1000"]);
    let of_ipndm = ["--schedule", &multistep(";1;1"), "--sampler", "ddim"];
    assert_flags_refused(&of_ipndm, 2, &["--schedule", "weights for the sampler ipndm", "ddim"]);
    assert_flags_refused(&["--schedule", "sigmas:3,9,0"], 2, &["--schedule", "must fall", "9 after 3"]);
    assert_flags_refused(&["--schedule", "timesteps:1000,5"], 2, &["--schedule", "timestep 1000"]);
    // Too large to multiply an image by in single precision, and so small that noise divided by it is not finite.
    assert_flags_refused(&["--schedule", "sigmas:1e38,1,0"], 2, &["--schedule", "1e38", "0.000001 to 1000000000"]);
    assert_flags_refused(&["--schedule", "sigmas:9,1e-300,0"], 2, &["--schedule", "0.000001 to 1000000000"]);
    assert_flags_refused(&["--sampler", "lcm", "--steps", "51"], 2, &["51 steps", "at most 50"]);
}

#[test]
fn options_in_the_config_that_a_sampler_does_not_support() {
    let model = TinyModel::new(Kind::Sd1);
    model.change_scheduler(serde_json::json!({ "use_lu_lambdas": true }).as_object().unwrap());
    let run = Run::new();
    let refused = run.generate_with(model.path(), &["--sampler", "dpm++2m"]);
    assert_refused(&run, &refused, 2, &["`use_lu_lambdas` true", "--sampler dpm++2m", "ddim"]);
    assert!(run.generate_with(model.path(), &["--sampler", "ddim"]).status.success());
}

#[test]
fn noise_cannot_be_predicted_from_pure_noise() {
    let model = TinyModel::new(Kind::Sd2v);
    let pure = serde_json::json!({ "rescale_betas_zero_snr": true, "prediction_type": "epsilon" });
    model.change_scheduler(pure.as_object().unwrap());
    let run = Run::new();
    let flags = ["--sampler", "ddim", "--schedule", "trailing"];
    assert_refused(
        &run,
        &run.generate_with(model.path(), &flags),
        2,
        &["rescale_betas_zero_snr", "--schedule leading"],
    );
}

#[test]
fn unknown_names_are_reported_with_the_known_ones() {
    assert_flags_refused(&["--sampler", "magic"], 2, &["`magic`", "plms, pndm, ", "dpm++2m, "]);
    assert_flags_refused(&["--device", "tpu"], 2, &["`tpu`", "flex, ndarray, wgpu"]);
    assert_flags_refused(&["--device", "rocm"], 2, &["`rocm`", "--features rocm"]);
    assert_flags_refused(&["--device", "flex:3"], 2, &["`flex:3`", "number 0"]);
}

#[test]
fn tensors_that_are_larger_than_all_memory() {
    assert_flags_refused(&["--width", "800000", "--height", "800000"], 1, &["GB of memory", "smaller image"]);
}

#[test]
fn outputs_that_cannot_be_written() {
    assert_flags_refused(&["--output", "no/such/folder/out.png"], 1, &["no/such/folder/out.png"]);
    assert_flags_refused(&["--output", "out.gif"], 2, &["out.gif", ".png"]);
    let run = Run::new();
    std::fs::create_dir(run.path("taken")).unwrap();
    std::fs::rename(run.path("taken"), run.path("taken.PNG")).unwrap();
    assert_refused(&run, &run.generate(&["--output", "taken.PNG"]), 1, &["taken.PNG", "folder"]);
}

#[test]
fn latents_that_do_not_fit() {
    let run = Run::new();
    assert_refused(
        &run,
        &run.generate(&["--latents", "none.safetensors"]),
        1,
        &["--latents none.safetensors: No such file"],
    );
    write_zeros(&run.path("small.safetensors"), "latents", &[1, 4, 2, 2]);
    assert_refused(&run, &run.generate(&["--latents", "small.safetensors"]), 2, &["[1, 4, 2, 2]", "[1, 4, 4, 4]"]);
    write_zeros(&run.path("flat.safetensors"), "latents", &[64]);
    assert_refused(&run, &run.generate(&["--latents", "flat.safetensors"]), 2, &["flat.safetensors", "[64]"]);
    write_zeros(&run.path("other.safetensors"), "noise", &[1, 4, 4, 4]);
    assert_refused(
        &run,
        &run.generate(&["--latents", "other.safetensors"]),
        1,
        &["other.safetensors", "`latents`", "noise"],
    );
}

fn write_zeros(path: &Path, key: &str, shape: &[usize]) {
    let bytes = vec![0; 4 * shape.iter().product::<usize>()];
    let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, shape.to_vec(), &bytes).unwrap();
    safetensors::serialize_to_file([(key, view)], None, path).unwrap();
}

/// A tiny model with one file to be damaged.
struct Damaged {
    run: Run,
    model: TinyModel,
}

impl Damaged {
    fn new(kind: Kind) -> Self {
        Self { run: Run::new(), model: TinyModel::new(kind) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.model.path().join(name)
    }

    #[track_caller]
    fn refused(&self, words: &[&str]) {
        assert_refused(&self.run, &self.run.generate_with(self.model.path(), &[]), 1, words);
    }

    /// Sets a key of a JSON file.
    fn set(&self, file: &str, key: &str, value: serde_json::Value) {
        let text = std::fs::read_to_string(self.path(file)).unwrap();
        let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
        json[key] = value;
        std::fs::write(self.path(file), json.to_string()).unwrap();
    }

    /// Rewrites the U-Net's weights. `change` edits their names, types, shapes and bytes.
    fn rewrite(&self, change: impl Fn(&mut Vec<(String, safetensors::Dtype, Vec<usize>, Vec<u8>)>)) {
        let file = self.path(UNET);
        let bytes = std::fs::read(&file).unwrap();
        let old = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let tensors = old.iter().map(|(key, t)| (key.to_string(), t.dtype(), t.shape().to_vec(), t.data().to_vec()));
        let mut tensors: Vec<_> = tensors.collect();
        change(&mut tensors);
        let views = tensors.iter().map(|(key, dtype, shape, bytes)| {
            (key, safetensors::tensor::TensorView::new(*dtype, shape.clone(), bytes).unwrap())
        });
        safetensors::serialize_to_file(views, None, &file).unwrap();
    }
}

const UNET: &str = "unet/diffusion_pytorch_model.safetensors";

#[test]
fn folders_that_are_not_a_model() {
    let run = Run::new();
    assert_refused(&run, &run.generate_with(Path::new("nowhere"), &[]), 1, &["nowhere", "no such folder"]);
    assert_refused(&run, &run.generate_with(run.folder.path(), &[]), 1, &["model_index.json", "diffusers layout"]);
}

#[test]
fn missing_files() {
    for file in ["unet/config.json", "vae/config.json", "scheduler/scheduler_config.json", "text_encoder/config.json"] {
        let damaged = Damaged::new(Kind::Sd1);
        std::fs::remove_file(damaged.path(file)).unwrap();
        damaged.refused(&[file, "No such file"]);
    }
    let damaged = Damaged::new(Kind::Sd1);
    std::fs::remove_file(damaged.path(UNET)).unwrap();
    damaged.refused(&["unet", "diffusion_pytorch_model.safetensors"]);
    std::fs::write(damaged.path("unet/diffusion_pytorch_model.bin"), "").unwrap();
    damaged.refused(&["diffusion_pytorch_model.bin", "truncated"]);
    std::fs::write(damaged.path("unet/diffusion_pytorch_model.bin"), b"\x80\x02cos\nsystem\n)R.").unwrap();
    damaged.refused(&["diffusion_pytorch_model.bin", "this pickle asks for `os.system`"]);
    let damaged = Damaged::new(Kind::Sd1);
    std::fs::remove_file(damaged.path("tokenizer/merges.txt")).unwrap();
    damaged.refused(&["merges.txt"]);
}

#[test]
fn truncated_and_damaged_weights() {
    let damaged = Damaged::new(Kind::Sd1);
    let bytes = std::fs::read(damaged.path(UNET)).unwrap();
    for length in [bytes.len() - 1, bytes.len() / 2, 1000, 5, 0] {
        std::fs::write(damaged.path(UNET), &bytes[..length]).unwrap();
        damaged.refused(&[UNET, "truncated", &length.to_string(), "download it again"]);
    }
    std::fs::write(damaged.path(UNET), b"\x20\0\0\0\0\0\0\0this is no JSON, but it is long enough").unwrap();
    damaged.refused(&[UNET, "not a safetensors file"]);
    std::fs::write(damaged.path(UNET), [0xff; 64]).unwrap();
    damaged.refused(&[UNET, "not a safetensors file", "header"]);
}

#[test]
fn keys_that_do_not_fit() {
    let damaged = Damaged::new(Kind::Sd1);
    damaged.rewrite(|tensors| tensors.retain(|t| t.0 != "conv_in.bias" && t.0 != "conv_out.weight"));
    damaged.refused(&[UNET, "2 keys missing", "conv_in.bias", "conv_out.weight"]);
    let damaged = Damaged::new(Kind::Sd1);
    damaged.rewrite(|tensors| tensors.push(("extra.weight".into(), safetensors::Dtype::F16, vec![1], vec![0; 2])));
    damaged.refused(&[UNET, "1 key unknown", "extra.weight"]);
    let damaged = Damaged::new(Kind::Sd1);
    damaged.rewrite(|tensors| tensors.iter_mut().find(|t| t.0 == "conv_in.bias").unwrap().2 = vec![4, 4]);
    damaged.refused(&[UNET, "`conv_in.bias` [4, 4] instead of [16]"]);
}

#[test]
fn weights_of_a_wrong_type_or_not_finite() {
    let damaged = Damaged::new(Kind::Sd1);
    damaged.rewrite(|tensors| {
        let bias = tensors.iter_mut().find(|t| t.0 == "conv_in.bias").unwrap();
        bias.1 = safetensors::Dtype::BOOL;
        bias.3.truncate(16);
    });
    damaged.refused(&[UNET, "`conv_in.bias`", "bool", "expected a float"]);
    let damaged = Damaged::new(Kind::Sd1);
    damaged.rewrite(|tensors| {
        let bytes = &mut tensors.iter_mut().find(|t| t.0 == "conv_out.weight").unwrap().3;
        bytes[6..8].copy_from_slice(&0x7e00_u16.to_le_bytes());
    });
    damaged.refused(&[UNET, "`conv_out.weight`", "NaN"]);
}

#[test]
fn config_values_that_are_not_supported() {
    let cases = [
        ("unet/config.json", "act_fn", serde_json::json!("gelu"), "silu"),
        ("unet/config.json", "class_embed_type", serde_json::json!("timestep"), "class_embed_type"),
        ("unet/config.json", "attention_head_dim", serde_json::json!([4, 4]), "attention_head_dim"),
        ("unet/config.json", "attention_head_dim", serde_json::json!(5), "5 heads"),
        ("unet/config.json", "norm_num_groups", serde_json::json!(7), "norm_num_groups"),
        ("unet/config.json", "in_channels", serde_json::json!(7), "7 channels"),
        ("unet/config.json", "cross_attention_dim", serde_json::json!(48), "48"),
        ("unet/config.json", "block_out_channels", serde_json::json!("wide"), "block_out_channels"),
        ("vae/config.json", "mid_block_add_attention", serde_json::json!(false), "mid_block_add_attention"),
        ("vae/config.json", "shift_factor", serde_json::json!(0.1), "shift_factor"),
        ("text_encoder/config.json", "vocab_size", serde_json::json!(500), "id 517"),
        ("text_encoder/config.json", "hidden_act", serde_json::json!("relu"), "relu"),
        ("scheduler/scheduler_config.json", "prediction_type", serde_json::json!("flow"), "flow"),
        ("scheduler/scheduler_config.json", "beta_schedule", serde_json::json!("laplace"), "laplace"),
        ("scheduler/scheduler_config.json", "thresholding", serde_json::json!(true), "thresholding"),
        ("scheduler/scheduler_config.json", "beta_end", serde_json::json!(1.5), "beta"),
        ("model_index.json", "unet", serde_json::json!(["diffusers", "StableCascadeUNet"]), "StableCascadeUNet"),
        // The scheduler's class, which takes precedence over the one in the scheduler's own config.
        ("model_index.json", "scheduler", serde_json::json!(["diffusers", "KarrasVeScheduler"]), "KarrasVeScheduler"),
    ];
    for (file, key, value, word) in cases {
        let damaged = Damaged::new(Kind::Sd1);
        damaged.set(file, key, value);
        // Parts that do not fit together are not the fault of one file.
        let file = match word {
            "7 channels" | "48" | "id 517" => "",
            "KarrasVeScheduler" => "scheduler_config.json",
            _ => file,
        };
        damaged.refused(&[file, word]);
    }
    let damaged = Damaged::new(Kind::Sd1);
    std::fs::write(damaged.path("unet/config.json"), "{ not json").unwrap();
    damaged.refused(&["unet/config.json", "not a JSON object"]);
}

#[test]
fn latents_that_become_infinite_are_reported_with_their_step() {
    // Larger than single precision can hold.
    assert_flags_refused(&["--guidance", "1e300", "--sampler", "ddim"], 1, &["not finite after network call 1 of 2"]);
}

#[test]
fn wrong_flags_are_usage_errors() {
    let run = Run::new();
    for flags in [&["generate"][..], &["paint"], &["generate", "--colour", "red"]] {
        let output = run.sd(flags);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).starts_with("error: "), "{}", stderr(&output));
    }
}

#[test]
fn prompts_that_are_missing_or_too_much() {
    let run = Run::new();
    let sd = |model: &TinyModel, flags: &[&str]| {
        run.sd(&[&["generate", "--steps", "2", "--model", model.path().to_str().unwrap()][..], flags].concat())
    };
    assert_refused(&run, &sd(&crate::MODEL, &[]), 2, &["--prompt is missing"]);
    let pixels = TinyModel::ddpm();
    for flag in ["--prompt", "--negative-prompt", "--guidance"] {
        assert_refused(&run, &sd(&pixels, &[flag, "3"]), 2, &[flag, "models that read a text", "leave it out"]);
    }
}
