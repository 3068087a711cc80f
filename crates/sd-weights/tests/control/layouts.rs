//! The names of the original program, against diffusers' own conversion of a small ControlNet.

use sd_golden::{Tensors, data};
use sd_weights::Form;
use sd_weights::control::{ControlKind, ControlLayout};

use crate::{open, recognise};

/// Pairs of names: in diffusers' layout, and in the original one without its prefix.
fn names() -> Vec<(String, String)> {
    let list = std::fs::read_to_string(data().join("single_files/controls.txt")).unwrap();
    let pair = |line: &str| {
        let mut words = line.split(' ');
        let (diffusers, original, view) = (words.next()?, words.next()?, words.next()?);
        assert_eq!(view, "whole", "{line}");
        Some((diffusers.to_string(), original.strip_prefix("control_model.")?.to_string()))
    };
    list.lines().map(|line| pair(line).unwrap()).collect()
}

/// A file of one value per tensor: its number in the list.
fn numbered(prefix: &str, also: &[&str]) -> Tensors {
    let tensor =
        |(i, (_, original)): (usize, (String, String))| (format!("{prefix}{original}"), (vec![1], vec![i as f32]));
    let others = also.iter().map(|key| (key.to_string(), (vec![1], vec![-1.0])));
    names().into_iter().enumerate().map(tensor).chain(others).collect()
}

#[test]
fn each_tensor_of_the_original_program_gets_the_name_that_diffusers_gives_it() {
    // The first ControlNets came with the whole model.
    let model = ["model.diffusion_model.input_blocks.0.0.weight", "betas", "first_stage_model.encoder.conv_in.weight"];
    for (prefix, also) in [("", &[][..]), ("control_model.", &model), ("module.control_model.", &["difference"])] {
        let (_folder, found) = recognise(&numbered(prefix, also));
        let found = found.unwrap();
        let kind = if also == ["difference"] { ControlKind::Difference } else { ControlKind::Net };
        assert_eq!((found.kind, found.layout), (kind, ControlLayout::Original));
        assert!(found.own.keys().eq(names().iter().map(|(key, _)| key.as_str())), "{prefix}");
        for (i, (key, _)) in names().iter().enumerate() {
            assert_eq!(found.own.read(key).unwrap(), [i as f32], "{key}");
        }
    }
}

#[test]
fn diffusers_names_stay() {
    for (prefix, also, kind) in [
        ("", vec![], ControlKind::Net),
        ("controlnet.", vec![], ControlKind::Net),
        ("", vec!["task_embedding", "control_add_embedding.linear_1.weight"], ControlKind::Union),
    ] {
        let keys: Vec<String> =
            names().into_iter().map(|(key, _)| key).chain(also.iter().map(|key| key.to_string())).collect();
        let tensors: Tensors = keys.iter().map(|key| (format!("{prefix}{key}"), (vec![1], vec![0.0]))).collect();
        let (_folder, found) = recognise(&tensors);
        let found = found.unwrap();
        assert_eq!((found.kind, found.layout), (kind, ControlLayout::Diffusers));
        assert_eq!(found.own.keys().count(), keys.len());
        assert!(keys.iter().all(|key| found.own.shape(key).is_some()), "{prefix}");
    }
}

#[test]
fn what_is_written_in_either_layout_is_read_again() {
    for layout in [ControlLayout::Original, ControlLayout::Diffusers] {
        let (_folder, weights) = open(&numbered("control_model.", &[]));
        let read = sd_weights::control::ControlWeights::recognise(weights).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("written.safetensors");
        let writer = layout.writer(&read.own, sd_golden::Family::Xl).unwrap();
        writer.write(&path, Form::Own, &mut |_| std::ops::ControlFlow::Continue(())).unwrap();
        let again = sd_weights::Weights::in_file(&path).unwrap();
        let first =
            if layout == ControlLayout::Original { "control_model.input_hint_block.0.bias" } else { "conv_in.bias" };
        assert!(again.shape(first).is_some());
        let again = sd_weights::control::ControlWeights::recognise(again).unwrap();
        assert_eq!(again.layout, layout);
        assert!(again.own.keys().eq(read.own.keys()));
        assert!(read.own.keys().all(|key| again.own.read(key).unwrap() == read.own.read(key).unwrap()));
    }
}

#[test]
fn an_unknown_tensor_keeps_its_name() {
    let (_folder, found) = recognise(&numbered("control_model.", &["control_model.input_blocks.1.0.extra.weight"]));
    assert!(found.unwrap().own.shape("input_blocks.1.0.extra.weight").is_some());
}
