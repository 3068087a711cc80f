//! Conversions between layouts.

use sd_golden::{Family, Kind, TinyModel, save_single};

use crate::{Run, assert_drawn, stderr, stdout};

#[test]
fn a_model_in_another_layout_draws_the_same_image() {
    let run = Run::new();
    let tiny = TinyModel::new(Kind::Conventional(Family::Sd1));
    save_single(&tiny.single_tensors(), &run.path("single.safetensors"));
    let mut images = Vec::new();
    for (from, to) in [("single.safetensors", "folder/"), ("folder", "back.safetensors")] {
        let output = run.sd(&["convert", from, to, "--progress", "json"]);
        assert!(output.status.success(), "{}", stderr(&output));
        let said = stdout(&output);
        assert!(said.lines().next().unwrap().contains(r#""event":"work""#), "{said}");
        assert!(said.lines().last().unwrap().contains(&format!(r#""file":"{to}""#)), "{said}");
        for model in [from, to] {
            assert_drawn(&run.generate_with(&run.path(model), &["--seed", "1"]));
            images.push(run.image("out.png"));
        }
    }
    assert!(images.iter().all(|image| *image == images[0]));
    let half = ["convert", "folder", "half.safetensors", "--dtype", "bf16", "--layout", "single"];
    let output = run.sd(&half);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stdout(&output).starts_with("half.safetensors ("), "{}", stdout(&output));
    assert!(stdout(&run.sd(&["info", "half.safetensors"])).contains("bf16"));
}

#[test]
fn what_cannot_be_converted_is_refused_in_one_line() {
    let run = Run::new();
    let tiny = TinyModel::new(Kind::Conventional(Family::Sd1));
    let model = tiny.path().to_str().unwrap();
    std::fs::write(run.path("there"), "a file").unwrap();
    std::fs::write(run.path("notes.txt"), "no model at all").unwrap();
    let before = run.files();
    for (flags, code, expected) in [
        (vec![model, "there"], 2, "there: already exists, and is not replaced"),
        (vec![model, "x.safetensors", "--layout", "diffusers"], 2, "x.safetensors is the name of a single file"),
        (vec![model, "x", "--layout", "single"], 2, "call it x.safetensors"),
        (vec![model, "x.ckpt"], 2, ".ckpt is not written"),
        (vec!["notes.txt", "x"], 1, "notes.txt"),
        (vec!["nothing", "x"], 1, "no such folder or file"),
        (vec![model, "no/folder/x.safetensors"], 1, "no/folder/x.safetensors: "),
        (vec![model, "no/folder/x"], 1, "no/folder/x: "),
    ] {
        let output = run.sd(&[&["convert"][..], &flags].concat());
        let error = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{flags:?}: {error}");
        assert!(error.starts_with("error: ") && error.contains(expected) && error.lines().count() == 1, "{error}");
        assert_eq!(run.files(), before, "{flags:?}");
    }
}
