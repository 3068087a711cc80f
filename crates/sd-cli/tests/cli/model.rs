//! Additions to a model: LoRA files and new words.

use std::fs;
use std::path::Path;

use sd_golden::{Family, Kind, Tensors, TinyModel, data, save_single, write_tensors, zip};

use crate::{Run, assert_drawn, stderr, stdout};

/// A LoRA for one module of the tiny model, with shapes `[rank, input]` and `[output, rank]`.
pub(crate) fn lora(module: &str, input: usize) -> Tensors {
    let wave = |count: usize| (0..count).map(|i| (i as f32).sin()).collect::<Vec<f32>>();
    [
        (format!("lora_unet_{module}.lora_down.weight"), (vec![1, input], wave(input))),
        (format!("lora_unet_{module}.lora_up.weight"), (vec![16, 1], wave(16))),
    ]
    .into()
}

pub(crate) const MODULE: &str = "down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q";

#[test]
fn a_lora_changes_the_image_as_much_as_its_weight_says() {
    let run = Run::new();
    write_tensors(&lora(MODULE, 16), &run.path("style.safetensors"));
    let mut images = Vec::new();
    for weight in ["style.safetensors:0", "style.safetensors:0.5", "style.safetensors"] {
        let output = run.generate(&["--seed", "1", "--lora", weight]);
        assert_drawn(&output);
        assert!(stdout(&output).contains("style.safetensors: all 1 modules merged"));
        images.push(run.image("out.png"));
    }
    assert_drawn(&run.generate(&["--seed", "1"]));
    assert!(run.image("out.png") == images[0]);
    assert!(images[0] != images[1] && images[1] != images[2]);
}

#[test]
fn a_lora_that_fits_in_part_is_merged_with_a_warning_and_one_that_does_not_is_refused() {
    let run = Run::new();
    let mut both = lora(MODULE, 16);
    both.extend(lora("far_away", 16));
    write_tensors(&both, &run.path("part.safetensors"));
    let output = run.generate(&["--lora", "part.safetensors"]);
    assert_drawn(&output);
    let warning = "warning: part.safetensors: only 1 of 2 modules are in the model; not in it: lora_unet_far_away";
    assert!(stderr(&output).contains(warning), "{}", stderr(&output));
    for (name, tensors, expected) in [
        ("far", lora("far_away", 16), "none of its 1 modules is in the model: lora_unet_far_away"),
        ("wide", lora(MODULE, 24), "1 of its modules are of another shape than the model's"),
        ("other", [("x".to_string(), (vec![1], vec![0.0]))].into(), "not a LoRA file"),
    ] {
        write_tensors(&tensors, &run.path("other.safetensors"));
        let output = run.generate(&["--lora", "other.safetensors"]);
        assert_eq!(output.status.code(), Some(1), "{name}");
        assert!(stderr(&output).contains(expected), "{name}: {}", stderr(&output));
    }
}

/// The model is only named like one for few steps.
#[test]
fn a_model_for_few_steps_is_drawn_so_and_said_in_one_line() {
    let run = Run::new();
    let model = TinyModel::new(Kind::Sd1);
    fs::rename(model.path(), run.path("LCM_Dreamshaper_v7")).unwrap();
    let flags =
        ["generate", "--model", "LCM_Dreamshaper_v7", "--prompt", "a red house", "--width", "32", "--height", "32"];
    let output = run.sd(&flags);
    assert_drawn(&output);
    let line = "LCM_Dreamshaper_v7: made for few steps (LCM, by its name): lcm, 4 steps, no guidance, unless you choose otherwise";
    assert_eq!(stdout(&output).lines().filter(|found| *found == line).count(), 1, "{}", stdout(&output));
    let settings = crate::settings(&run.read("out.png"));
    assert!(settings.contains("Steps: 4, Sampler: LCM") && settings.contains("CFG scale: 1,"), "{settings}");
    let output = run.sd(&[&flags[..], &["--sampler", "ddim", "--steps", "2", "--guidance", "3"]].concat());
    assert_drawn(&output);
    let settings = crate::settings(&run.read("out.png"));
    assert!(settings.contains("Steps: 2, Sampler: DDIM") && settings.contains("CFG scale: 3,"), "{settings}");
    let info = stdout(&run.sd(&["info", "LCM_Dreamshaper_v7"]));
    assert!(
        info.contains("few steps   made for few steps (LCM, by its name)") && info.contains("sampler     lcm"),
        "{info}"
    );
    let info = stdout(&run.sd(&["info", "LCM_Dreamshaper_v7", "--json"]));
    assert!(info.contains("\"distillation\":\"LCM\"") || info.contains("\"distillation\": \"LCM\""), "{info}");
}

/// The same LoRA in a folder, as PEFT writes it.
fn peft_adapter(folder: &Path, alpha: usize) {
    let name = |key: &str| {
        let path = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q";
        let part = if key.contains("lora_down") { "lora_A" } else { "lora_B" };
        format!("base_model.model.{path}.{part}.weight")
    };
    let tensors = lora(MODULE, 16).into_iter().map(|(key, tensor)| (name(&key), tensor)).collect();
    fs::create_dir_all(folder).unwrap();
    write_tensors(&tensors, &folder.join("adapter_model.safetensors"));
    let settings = format!(r#"{{"peft_type": "LORA", "r": 1, "lora_alpha": {alpha}}}"#);
    fs::write(folder.join("adapter_config.json"), settings).unwrap();
}

#[test]
fn a_folder_with_an_adapter_is_merged_with_the_strength_of_its_settings() {
    let run = Run::new();
    write_tensors(&lora(MODULE, 16), &run.path("plain.safetensors"));
    peft_adapter(&run.path("adapter"), 4);
    let output = run.generate(&["--seed", "1", "--lora", "plain.safetensors:2"]);
    assert_drawn(&output);
    let expected = run.image("out.png");
    for lora in ["adapter:0.5", "adapter/adapter_model.safetensors:0.5"] {
        let output = run.generate(&["--seed", "1", "--lora", lora]);
        assert_drawn(&output);
        assert!(stdout(&output).contains("all 1 modules merged"), "{}", stdout(&output));
        assert!(run.image("out.png") == expected, "{lora}");
    }
}

#[test]
fn a_folder_with_no_adapter_or_several_is_refused() {
    let run = Run::new();
    fs::create_dir(run.path("none")).unwrap();
    let output = run.generate(&["--lora", "none"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("error: none: no weights here; looked for adapter_model"), "{}", stderr(&output));
    for name in ["a.safetensors", "b.safetensors"] {
        write_tensors(&lora(MODULE, 16), &run.path("none").join(name));
    }
    let output = run.generate(&["--lora", "none"]);
    assert_eq!(output.status.code(), Some(1));
    let expected = "a folder with 2 files of weights (a.safetensors, b.safetensors): name the one to merge";
    assert!(stderr(&output).contains(expected), "{}", stderr(&output));
}

#[test]
fn a_lora_of_rank_0_is_refused_as_one() {
    let run = Run::new();
    let empty = |end: &str, shape| (format!("lora_unet_{MODULE}.{end}"), (shape, vec![]));
    let tensors = [
        empty("lora_down.weight", vec![0, 16]),
        empty("lora_up.weight", vec![16, 0]),
        (format!("lora_unet_{MODULE}.alpha"), (vec![], vec![4.0])),
    ];
    write_tensors(&tensors.into(), &run.path("empty.safetensors"));
    let output = run.generate(&["--lora", "empty.safetensors"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("a rank of 0"), "{}", stderr(&output));
}

#[test]
fn a_word_bundled_in_a_lora_can_be_used_in_prompts() {
    let run = Run::new();
    let width = 32;
    let vector: Vec<f32> = (0..width).map(|i| (i as f32).cos()).collect();
    let mut tensors = lora(MODULE, 16);
    tensors.insert("bundle_emb.<cat>.string_to_param.*".into(), (vec![1, width], vector.clone()));
    tensors.insert("bundle_emb.th.string_to_param.*".into(), (vec![1, width], vector.clone()));
    write_tensors(&tensors, &run.path("both.safetensors"));
    let output = run.generate(&["--seed", "1", "--lora", "both.safetensors", "--prompt", "a <cat>"]);
    assert_drawn(&output);
    assert!(stdout(&output).contains("adds the word \"<cat>\" for prompts"), "{}", stdout(&output));
    assert!(stderr(&output).contains("its word \"th\" ("), "{}", stderr(&output));
    let image = run.image("out.png");
    write_tensors(&lora(MODULE, 16), &run.path("style.safetensors"));
    write_tensors(&[("<cat>".to_string(), (vec![1, width], vector))].into(), &run.path("cat.safetensors"));
    let flags = ["--seed", "1", "--lora", "style.safetensors", "--embedding", "cat.safetensors", "--prompt", "a <cat>"];
    assert_drawn(&run.generate(&flags));
    assert!(run.image("out.png") == image);
}

#[test]
fn a_new_word_is_drawn_under_its_own_name_or_another() {
    let run = Run::new();
    let file = data().join("textual_inversion/diffusers.bin");
    let file = file.to_str().unwrap();
    let output = run.generate(&["--seed", "1", "--embedding", file, "--prompt", "a <cat>"]);
    assert_drawn(&output);
    let text = stdout(&output);
    assert!(text.contains("use the word \"<cat>\" in prompts"), "{text}");
    let image = run.read("out.png");
    let renamed = format!("{file}:tabby");
    assert_drawn(&run.generate(&["--seed", "1", "--embedding", &renamed, "--prompt", "a tabby"]));
    // The file also contains the prompt.
    let pixels = |bytes: &[u8]| bytes[bytes.windows(4).position(|part| part == b"IDAT").unwrap()..].to_vec();
    assert_eq!(pixels(&run.read("out.png")), pixels(&image));
    let output = run.generate(&["--embedding", &format!("{file}:th")]);
    assert!(stderr(&output).contains("is a word of the tokenizer already"), "{}", stderr(&output));
}

#[test]
fn two_files_of_one_word_are_an_embedding_for_xl_and_their_other_tensors_are_reported() {
    let (run, model) = (Run::new(), TinyModel::new(Kind::Sdxl));
    let vectors = |width: usize| (vec![1, width], vec![0.5; width]);
    let file = |name: &str, tensors: Tensors| write_tensors(&tensors, &run.path(name));
    file("a.safetensors", [("<cat>".to_string(), vectors(32)), ("step".to_string(), (vec![], vec![500.0]))].into());
    file("b.safetensors", [("<cat>".to_string(), vectors(40))].into());
    file("both.safetensors", [("clip_l".to_string(), vectors(32)), ("clip_g".to_string(), vectors(40))].into());
    let generate = |embeddings: &[&str]| {
        let flags: Vec<&str> = embeddings.iter().flat_map(|embedding| ["--embedding", embedding]).collect();
        run.generate_with(model.path(), &[&["--prompt", "a <cat>", "--seed", "1"], &flags[..]].concat())
    };
    let output = generate(&["b.safetensors", "a.safetensors"]);
    assert_drawn(&output);
    assert!(stderr(&output).contains("warning: a.safetensors: ignored step"), "{}", stderr(&output));
    let image = run.read("out.png");
    assert_drawn(&generate(&["both.safetensors:<cat>"]));
    let pixels = |bytes: &[u8]| bytes[bytes.windows(4).position(|part| part == b"IDAT").unwrap()..].to_vec();
    assert_eq!(pixels(&run.read("out.png")), pixels(&image));
    let output = generate(&["a.safetensors"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("give the file for the other one too"), "{}", stderr(&output));
}

#[test]
fn a_file_without_an_autoencoder_is_drawn_described_and_converted_with_another() {
    let (run, model) = (Run::new(), TinyModel::new(Kind::Conventional(Family::Sd1)));
    let mut tensors = model.single_tensors();
    tensors.retain(|tensor| !tensor.key.starts_with("first_stage_model."));
    let file = run.path("model.safetensors");
    save_single(&tensors, &file);
    let output = run.generate_with(&file, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("without its autoencoder: name one with --vae"), "{}", stderr(&output));
    let vae = model.path().join("vae");
    let vae = vae.to_str().unwrap();
    assert_drawn(&run.generate_with(model.path(), &["--seed", "1"]));
    let image = run.image("out.png");
    assert_drawn(&run.generate_with(&file, &["--seed", "1", "--vae", vae]));
    assert!(run.image("out.png") == image);
    assert_drawn(&run.sd(&["info", "model.safetensors", "--vae", vae]));
    for to in ["folder", "whole.safetensors"] {
        assert_drawn(&run.sd(&["convert", "model.safetensors", to, "--vae", vae]));
        assert_drawn(&run.generate_with(&run.path(to), &["--seed", "1"]));
        assert!(run.image("out.png") == image, "{to}");
    }
}

#[test]
fn other_kinds_of_files_are_named_wherever_weights_are_expected() {
    let run = Run::new();
    let file = run.path("file.safetensors");
    for (bytes, expected) in [
        (&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01"[..], "it is a PNG image"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01", "it is a JPEG image"),
        (b"RIFF\x24\0\0\0WEBPVP8 ", "it is a WebP image"),
        (b"<!DOCTYPE html><html><body>Not found</body></html>", "it is a web page"),
        (b"lmgg\x01\0\0\0\0\0\0\0\0\0", "it is a GGML file"),
        (b"a list of words,\none a line\n", "it is a text"),
        (&zip(&[("readme.txt", "hello")]), "it is a zip archive without a data.pkl"),
    ] {
        fs::write(&file, bytes).unwrap();
        for flag in ["--lora", "--embedding", "--vae", "--latents"] {
            let output = run.generate(&[flag, "file.safetensors"]);
            assert!(!output.status.success(), "{flag}");
            let error = stderr(&output);
            assert!(error.contains("file.safetensors") && error.contains(expected), "{flag}: {error}");
        }
        let error = stderr(&run.generate_with(&file, &[]));
        assert!(error.contains("file.safetensors") && error.contains(expected), "{error}");
    }
}
