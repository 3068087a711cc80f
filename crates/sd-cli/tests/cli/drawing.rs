//! Drawing images.

use sd_golden::{Family, Kind, TinyModel, save_torch};

use crate::{Run, assert_drawn, settings, stderr, stdout};

#[test]
fn an_image_is_written_with_its_settings_inside() {
    let run = Run::new();
    let output = run.generate(&["--seed", "5", "--output", "house.png", "--negative-prompt", "dull"]);
    assert_drawn(&output);
    assert_eq!(run.files(), ["house.png"]);
    let text = stdout(&output);
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        matches!(lines[..], [device, file] if device.starts_with("on ") && file.starts_with("house.png (seed 5, ")),
        "{text}"
    );
    let png = run.read("house.png");
    assert!(png.starts_with(b"\x89PNG"));
    let text = String::from_utf8_lossy(&png);
    let settings = "a red house\nNegative prompt: dull\nSteps: 2, Sampler: PLMS, CFG scale: 7.5, Seed: 5, Size: 32x32";
    assert!(text.contains(settings), "the settings are not in the file");
}

#[test]
fn image_i_of_several_is_the_one_of_its_own_seed() {
    let run = Run::new();
    let latents = ["--save-latents", "end.safetensors"];
    assert_drawn(&run.generate(&[&["--seed", "7", "--count", "3", "--output", "many.png"][..], &latents].concat()));
    assert_drawn(&run.generate(&[&["--seed", "9", "--output", "one.png"][..], &latents].concat()));
    let numbered = |name: &str| (0..3).map(|i| name.replace('?', &i.to_string())).collect::<Vec<_>>();
    let single = ["end.safetensors".to_string(), "one.png".to_string()];
    let mut expected = [numbered("end-?.safetensors"), numbered("many-?.png"), single.to_vec()].concat();
    expected.sort();
    assert_eq!(run.files(), expected);
    assert_eq!(run.read("end-2.safetensors"), run.read("end.safetensors"));
    assert_eq!(run.read("many-2.png"), run.read("one.png"));
    assert_ne!(run.read("many-1.png"), run.read("one.png"));
}

#[test]
fn every_sampler_draws_another_image() {
    let run = Run::new();
    let mut images = Vec::new();
    for sampler in ["ddpm", "ddim", "plms", "pndm"] {
        assert_drawn(&run.generate(&["--seed", "1", "--sampler", sampler, "--steps", "4"]));
        images.push(run.read("out.png"));
    }
    images.sort();
    images.dedup();
    assert_eq!(images.len(), 4);
}

#[test]
fn a_single_file_is_drawn_and_what_it_does_not_say_is_reported() {
    let run = Run::new();
    let file = run.path("model.ckpt");
    save_torch(&TinyModel::new(Kind::Conventional(Family::Sd2)).single_tensors(), 1, &file);
    let assumed = run.generate_with(&file, &["--seed", "1"]);
    assert_drawn(&assumed);
    assert!(stderr(&assumed).contains("v is assumed") && stderr(&assumed).contains("--prediction eps"));
    let given = run.generate_with(&file, &["--seed", "1", "--prediction", "v", "--output", "v.png"]);
    assert_drawn(&given);
    assert!(!stderr(&given).contains("assumed"), "{}", stderr(&given));
    assert!(run.image("out.png") == run.image("v.png"));
    assert_drawn(&run.generate_with(&file, &["--seed", "1", "--prediction", "eps", "--output", "eps.png"]));
    assert!(run.image("out.png") != run.image("eps.png"));
}

#[test]
fn a_model_is_described() {
    let run = Run::new();
    let file = run.path("model.ckpt");
    save_torch(&TinyModel::new(Kind::Conventional(Family::Sd2)).single_tensors(), 7, &file);
    let output = run.sd(&["info", "model.ckpt", "--json"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let summary: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!((summary["family"].as_str(), summary["prediction"].as_str()), (Some("Stable Diffusion 2.x"), Some("v")));
    assert_eq!((summary["width"].as_u64(), summary["height"].as_u64()), (Some(192), Some(192)));
    assert_eq!(summary["sampler"], "ddim");
    assert_eq!(summary["metadata"]["global_step"], "7");
    assert_eq!(summary["notes"].as_array().unwrap().len(), 1);
    let names: Vec<_> =
        summary["components"].as_array().unwrap().iter().map(|part| part["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["unet", "vae", "text_encoder"]);
    assert_eq!(summary["components"][2]["precision"], serde_json::json!(["f16"]));
    let text = stdout(&run.sd(&["info", TinyModel::ddpm().path().to_str().unwrap()]));
    assert!(text.starts_with("family      pixels, without a text\nprediction  eps\nsize        32x32\n"), "{text}");
}

#[test]
fn progress_as_json_is_a_line_per_step() {
    let run = Run::new();
    let output = run.generate(&["--seed", "1", "--steps", "3", "--sampler", "ddim", "--progress", "json"]);
    assert_drawn(&output);
    let lines: Vec<serde_json::Value> = stdout(&output).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let steps: Vec<_> = lines.iter().filter(|l| l["event"] == "step").map(|l| l["step"].as_u64().unwrap()).collect();
    assert_eq!(steps, [1, 2, 3]);
    assert_eq!(lines.last().unwrap()["event"], "done");
    assert_eq!(lines.last().unwrap()["file"], "out.png");
}

#[test]
fn no_progress_is_silence() {
    let run = Run::new();
    let output = run.generate(&["--seed", "1", "--progress", "none"]);
    assert_drawn(&output);
    assert_eq!((stdout(&output), stderr(&output)), (String::new(), String::new()));
}

#[test]
fn latents_are_saved_and_read_back() {
    let run = Run::new();
    let flags = ["--seed", "1", "--save-latents", "end.safetensors"];
    assert_drawn(&run.generate(&flags));
    let file = run.read("end.safetensors");
    let file = safetensors::SafeTensors::deserialize(&file).unwrap();
    assert_eq!(file.tensor("latents").unwrap().shape(), [1, 4, 4, 4]);
    // Any latents can be the initial noise; the seed then makes no difference.
    let draw = |seed| {
        let flags = ["--seed", seed, "--latents", "end.safetensors", "--save-latents", "again.safetensors"];
        assert_drawn(&run.generate(&flags));
        run.read("again.safetensors")
    };
    assert_eq!(draw("1"), draw("2"));
}

#[test]
fn every_sampler_that_is_listed_draws() {
    let run = Run::new();
    let list = stdout(&run.sd(&["samplers"]));
    let names: Vec<&str> = list.lines().skip(1).map_while(|line| line.split_whitespace().next()).collect();
    assert!(names.len() > 20 && names.contains(&"dpm++2m"), "{list}");
    let (first, mut images) = (run.path("0.png"), Vec::new());
    for (i, name) in names.iter().enumerate() {
        let output = format!("{i}.png");
        assert_drawn(&run.generate(&["--sampler", name, "--steps", "4", "--seed", "1", "--output", &output]));
        images.push(run.read(&output));
    }
    assert!(first.is_file());
    images.sort();
    images.dedup();
    // The settings are in the file, so each differs at least by its sampler's name.
    assert_eq!(images.len(), names.len());
}

#[test]
fn every_schedule_that_is_listed_draws_and_so_do_lists() {
    let run = Run::new();
    let list = stdout(&run.sd(&["samplers"]));
    let line = list.lines().find_map(|line| line.strip_prefix("Schedules: ")).unwrap();
    let names = line.split(", ").filter(|name| !name.contains(':')).chain(["timesteps:900,300", "sigmas:9,1.5,0"]);
    for name in names {
        assert_drawn(&run.generate(&["--sampler", "dpm++2m", "--schedule", name, "--seed", "1"]));
    }
    // A list says how many steps there are.
    let model = crate::MODEL.path().to_str().unwrap();
    let flags = [
        "generate",
        "--model",
        model,
        "--prompt",
        "x",
        "--sampler",
        "ddim",
        "--schedule",
        "sigmas:9,1.5,0",
        "--progress",
        "json",
    ];
    let output = run.sd(&flags);
    assert_drawn(&output);
    assert!(stdout(&output).contains("\"steps\":2"), "{}", stdout(&output));
}

#[test]
fn an_empty_prompt_is_legal() {
    assert_drawn(&Run::new().generate(&["--prompt", "", "--seed", "1"]));
}

#[test]
fn half_precision_draws_nearly_the_same_image() {
    let run = Run::new();
    let draw = |dtype| {
        let output = run.generate(&["--seed", "1", "--dtype", dtype, "--save-latents", "latents.safetensors"]);
        assert_drawn(&output);
        let file = run.read("latents.safetensors");
        let file = safetensors::SafeTensors::deserialize(&file).unwrap();
        let bytes = file.tensor("latents").unwrap().data().to_vec();
        bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect::<Vec<f32>>()
    };
    let full = draw("f32");
    // On the CPU only weights are in half precision, and the files have them in f16.
    assert_eq!(draw("f16"), full);
    // Guidance 7.5 multiplies the rounding of latents up to 4, 2^-7, in each of three calls.
    let error = draw("bf16").iter().zip(&full).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(error > 0.0 && error < 0.7, "{error}");
}

#[test]
fn help_lists_all_flags_and_examples() {
    let run = Run::new();
    let top = stdout(&run.sd(&["--help"]));
    assert!(top.contains("generate") && top.contains("Try:"), "{top}");
    let help = stdout(&run.sd(&["generate", "--help"]));
    for flag in [
        "--model",
        "--prompt",
        "--negative-prompt",
        "--output",
        "--sampler",
        "--schedule",
        "--steps",
        "--guidance",
        "--eta",
        "--s-noise",
        "--s-churn",
        "--s-tmin",
        "--s-tmax",
        "--order",
        "--tau",
        "--gamma",
        "--tolerance",
        "--width",
        "--height",
        "--seed",
        "--count",
        "--rng",
        "--device",
        "--dtype",
        "--latents",
        "--save-latents",
        "--progress",
        "Examples:",
    ] {
        assert!(help.contains(flag), "{flag} is not in the help");
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_and_sigterm_stop_at_the_next_step_and_leave_no_file() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    for signal in ["INT", "TERM"] {
        let run = Run::new();
        let model = crate::MODEL.path().to_str().unwrap();
        let flags = ["generate", "--model", model, "--prompt", "x", "--steps", "900", "--progress", "json"];
        let mut child = run.command(&flags).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().contains("\"step\"")), "no first step");
        let interrupt = format!("kill -{signal} {}", child.id());
        assert!(Command::new("sh").args(["-c", &interrupt]).status().unwrap().success());
        lines.for_each(drop);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
        assert!(stderr(&output).contains("cancelled after network call"), "{}", stderr(&output));
        assert_eq!(run.files(), [""; 0]);
    }
}

#[test]
fn a_model_of_pixels_draws_without_a_prompt() {
    let (run, model) = (Run::new(), TinyModel::ddpm());
    let flags = ["generate", "--model", model.path().to_str().unwrap(), "--seed", "5", "--steps", "2", "--eta", "1"];
    assert_drawn(&run.sd(&[&flags[..], &["--sampler", "ddim", "--save-latents", "end.safetensors"]].concat()));
    let settings = settings(&run.read("out.png"));
    for part in ["Steps: 2, Sampler: DDIM, Seed: 5, Size: 32x32, ", "Eta DDIM: 1"] {
        assert!(settings.contains(part), "{part}: {settings}");
    }
    let file = run.read("end.safetensors");
    let file = safetensors::SafeTensors::deserialize(&file).unwrap();
    assert_eq!(file.tensor("latents").unwrap().shape(), [1, 3, 32, 32]);
}
