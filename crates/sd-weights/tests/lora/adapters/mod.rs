//! Adapters of every kind that LyCORIS and PEFT write, merged into three layers, against what these libraries make of
//! them: `make.py` writes `adapters.safetensors`.

use std::fs;
use std::path::Path;

use safetensors::SafeTensors;
use safetensors::tensor::{TensorView, serialize_to_file};
use serde_json::Value;

use super::merged_into;

/// Writes the tensors whose keys start with `start` to a file, without that start.
fn write(tensors: &SafeTensors, start: &str, path: &Path) {
    let views = tensors.iter().filter_map(|(key, view)| Some((key.strip_prefix(start)?, view)));
    let views: Vec<(&str, TensorView)> = views.collect();
    assert!(!views.is_empty(), "{start}");
    serialize_to_file(views, None, path).unwrap();
}

#[test]
fn adapters_of_every_kind_are_merged_as_their_libraries_do() {
    let bytes =
        fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lora/adapters/adapters.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let cases = header.metadata().as_ref().unwrap();
    assert_eq!(cases.len(), 23);
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().join("base.safetensors");
    write(&tensors, "base/", &base);
    let mut apart = Vec::new();
    for (case, about) in cases {
        let about: Value = serde_json::from_str(about).unwrap();
        let adapter = folder.path().join(case);
        fs::create_dir(&adapter).unwrap();
        write(&tensors, &format!("{case}/adapter/"), &adapter.join("adapter_model.safetensors"));
        if about["settings"].is_object() {
            fs::write(adapter.join("adapter_config.json"), about["settings"].to_string()).unwrap();
        }
        let (merged, reports) = merged_into(&base, &[(&adapter, about["scale"].as_f64().unwrap())]);
        assert_eq!(reports[0].unmatched, [""; 0], "{case}");
        for (key, found) in merged {
            let expected = tensors.tensor(&format!("{case}/merged/{key}"));
            let expected = expected.or_else(|_| tensors.tensor(&format!("base/{key}"))).unwrap();
            let expected: Vec<f32> = bytemuck::pod_collect_to_vec(expected.data());
            assert_eq!(found.len(), expected.len(), "{case}: {key}");
            let furthest = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            if furthest > 2e-6 {
                apart.push(format!("{case}: {key} is {furthest} away"));
            }
        }
    }
    assert_eq!(apart, [""; 0]);
}
