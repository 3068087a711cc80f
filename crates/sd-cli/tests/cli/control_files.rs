//! Files of control networks and IP-Adapters: described, and in other layouts.

use sd_golden::{Family, Kind, Tensors, TinyModel, write_tensors, write_weights};
use sd_pipeline::{Device, Image};
use serde_json::Value;

use crate::{Run, assert_drawn, stderr, stdout};

/// What a ControlNet needs to be recognised, under the original names with a prefix.
fn hint(prefix: &str) -> Tensors {
    let layer = |(n, shape)| (format!("{prefix}input_hint_block.{n}.weight"), shape);
    let layers = [(0, [16, 3, 3, 3]), (2, [16, 16, 3, 3]), (4, [32, 16, 3, 3]), (6, [320, 32, 3, 3])].map(layer);
    layers.into_iter().flat_map(|(key, shape)| empty(&[(&key, &shape)])).collect()
}

/// A run with a ControlNet for the tiny model, under diffusers' names, and an image.
fn run() -> Run {
    let run = Run::new();
    let control = Kind::Sd1.control().init(&Device::flex());
    write_weights(Kind::Sd1.name(), "controlnet", &control, &run.path("canny.safetensors"));
    let image = Image { width: 32, height: 32, rgb: (0..32 * 32 * 3).map(|i| (i * 7 % 256) as u8).collect() };
    image.save(run.path("edges.png")).unwrap();
    run
}

fn empty(keys: &[(&str, &[usize])]) -> Tensors {
    keys.iter().map(|(key, shape)| (key.to_string(), (shape.to_vec(), vec![0.0; shape.iter().product()]))).collect()
}

#[test]
fn a_control_network_in_another_layout_draws_the_same_image() {
    let run = run();
    // Files have no configs, so the model has to follow the conventions of its family.
    let kind = Kind::Conventional(Family::Sd1);
    let (model, device) = (TinyModel::new(kind), Device::flex());
    let control = kind.control().with_hint_widths(vec![4, 8]).init(&device);
    write_weights(kind.name(), "controlnet", &control, &run.path("canny.safetensors"));
    let draw = |control: &str| {
        let control = format!("model={control},image=edges.png");
        assert_drawn(&run.generate_with(model.path(), &["--seed", "1", "--control", &control]));
        // The file also names the network.
        Image::read(run.path("out.png")).unwrap()
    };
    let expected = draw("canny.safetensors");
    for (from, to, flags) in [
        ("canny.safetensors", "original.safetensors", &[][..]),
        ("original.safetensors", "folder", &[]),
        ("folder", "diffusers.safetensors", &["--layout", "diffusers"]),
        ("diffusers.safetensors", "again.safetensors", &["--layout", "single"]),
    ] {
        let output = run.sd(&[&["convert", from, to], flags].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        assert!(draw(to) == expected, "{to}");
    }
    assert!(run.read("again.safetensors") == run.read("original.safetensors"));
}

#[test]
fn files_are_described() {
    let run = run();
    let described = |file: &str| {
        let output = run.sd(&["info", file]);
        assert!(output.status.success(), "{}", stderr(&output));
        stdout(&output)
    };
    let text = described("canny.safetensors");
    for line in [
        "kind        ControlNet\n",
        "layout      diffusers names\n",
        "reads       an image\n",
        "channels    16, 32, 32, 32\n",
        "text        embeddings of width 32\n",
        "precision   f16\n",
        "use with    --control model=PATH,image=FILE\n",
    ] {
        assert!(text.contains(line), "{text}");
    }
    let json: Value = serde_json::from_str(&stdout(&run.sd(&["info", "canny.safetensors", "--json"]))).unwrap();
    assert_eq!((&json["kind"], &json["channels"][0]), (&"ControlNet".into(), &16.into()));

    let factors = [("lora_controlnet", &[0][..]), ("label_emb.0.0.up", &[8, 1]), ("label_emb.0.0.down", &[1, 8])];
    write_tensors(&hint("").into_iter().chain(empty(&factors)).collect(), &run.path("lora.safetensors"));
    let text = described("lora.safetensors");
    assert!(
        text.contains("Control-LoRA\n") && text.contains("Stable Diffusion XL\n") && text.contains("original names"),
        "{text}"
    );

    let plus = [
        ("image_proj.latents", &[1, 16, 64][..]),
        ("image_proj.proj_in.weight", &[64, 1280]),
        ("image_proj.proj_out.weight", &[768, 64]),
        ("image_proj.layers.0.0.to_q.weight", &[64, 64]),
        ("ip_adapter.1.to_k_ip.weight", &[320, 768]),
        ("ip_adapter.1.to_v_ip.weight", &[320, 768]),
    ];
    write_tensors(&empty(&plus), &run.path("ip.safetensors"));
    let text = described("ip.safetensors");
    assert!(
        text.contains("IP-Adapter Plus\n") && text.contains("Stable Diffusion 1.x\n") && text.contains("CLIP ViT-H/14"),
        "{text}"
    );
    assert!(text.contains("not found beside it: give encoder=PATH") && text.contains(",encoder=PATH\n"), "{text}");
}

#[test]
fn what_is_no_such_file_is_refused_in_one_line() {
    let run = run();
    write_tensors(&empty(&[("lora_unet_x.lora_up.weight", &[1])]), &run.path("style.safetensors"));
    write_tensors(&empty(&[("image_proj.proj.0.weight", &[4, 512])]), &run.path("face.safetensors"));
    let difference = hint("control_model.").into_iter().chain(empty(&[("difference", &[])])).collect();
    write_tensors(&difference, &run.path("difference.safetensors"));
    for (flags, code, expected) in [
        (vec!["info", "style.safetensors"], 1, "this is a LoRA"),
        (vec!["info", "face.safetensors"], 1, "an IP-Adapter FaceID: it reads the embeddings of a face recogniser"),
        (
            vec!["generate", "--model", "canny.safetensors"],
            1,
            "this is a ControlNet: it belongs to a model: name the model, and give this as --control",
        ),
        (vec!["convert", "difference.safetensors", "x"], 2, "only whole ControlNets are converted"),
        (vec!["convert", "canny.safetensors", "x.safetensors", "--layout", "other"], 2, "--layout"),
    ] {
        let output = run.sd(&flags);
        let error = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{flags:?}: {error}");
        assert!(error.starts_with("error: ") && error.contains(expected), "{error}");
        assert!(error.lines().count() == 1 || error.contains("--help"), "{error}");
    }
}
