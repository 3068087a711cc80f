//! GGUF files: those of gguf's own writer (from `make.py`), and damaged ones.

use std::io::Write;
use std::path::{Path, PathBuf};

use sd_weights::{BlockKind, StoredType, Weights, WeightsError};
use tempfile::NamedTempFile;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/gguf").join(name)
}

/// Opens a file of these bytes; values are read as long as it lives.
fn open(bytes: &[u8]) -> (NamedTempFile, Result<Weights, WeightsError>) {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let weights = Weights::in_file(file.path());
    (file, weights)
}

fn error(bytes: &[u8]) -> WeightsError {
    open(bytes).1.unwrap_err()
}

#[test]
fn every_type_is_widened_as_the_reference_does() {
    let [found, expected] = ["kinds.gguf", "kinds.safetensors"].map(|name| Weights::in_file(&golden(name)).unwrap());
    assert!(found.keys().eq(expected.keys()));
    for key in found.keys() {
        assert_eq!(found.shape(key), expected.shape(key), "{key}");
        assert_eq!(found.read(key).unwrap(), expected.read(key).unwrap(), "{key}");
    }
    assert_eq!(found.shape("convolution"), Some(&[2, 8, 4, 4][..]));
    for kind in BlockKind::ALL {
        assert_eq!(found.stored_type(kind.name()), Some(StoredType::Blocks(kind)));
    }
    assert_eq!(found.metadata()["modelspec.prediction_type"], "v");
}

#[test]
fn blocks_are_written_as_the_reference_writes_them() {
    let weights = Weights::in_file(&golden("kinds.gguf")).unwrap();
    let values = weights.read("values").unwrap();
    for kind in [BlockKind::Q8_0, BlockKind::Q4_0] {
        let mut wide = vec![0.0; values.len()];
        let blocks = kind.quantize(&values).unwrap();
        for (block, wide) in blocks.chunks(kind.bytes()).zip(wide.chunks_mut(kind.values())) {
            kind.widen(block, wide);
        }
        assert_eq!(wide, weights.read(kind.name()).unwrap(), "{kind}");
    }
}

/// A tensor of a header: its name, its sizes in the file's order, the number of its type and its offset.
type Tensor<'a> = (&'a str, &'a [u64], u32, u64);

/// The bytes of a file with 96 bytes of values.
fn file(version: u32, tensors: &[Tensor]) -> Vec<u8> {
    let mut bytes = [&b"GGUF"[..], &version.to_le_bytes()].concat();
    bytes.extend([tensors.len() as u64, 0].map(u64::to_le_bytes).concat());
    for (name, sizes, kind, offset) in tensors {
        bytes.extend((name.len() as u64).to_le_bytes());
        bytes.extend(name.as_bytes());
        bytes.extend((sizes.len() as u32).to_le_bytes());
        bytes.extend(sizes.iter().flat_map(|size| size.to_le_bytes()));
        bytes.extend(kind.to_le_bytes());
        bytes.extend(offset.to_le_bytes());
    }
    bytes.resize(bytes.len().next_multiple_of(32) + 96, 0);
    bytes
}

#[test]
fn what_a_header_must_not_say_is_refused() {
    let (_file, weights) = open(&file(2, &[("a", &[2, 3], 0, 0), ("b", &[32], 8, 32), ("none", &[0], 0, 96)]));
    let weights = weights.unwrap();
    assert_eq!((weights.shape("a"), weights.read("b").unwrap()), (Some(&[3, 2][..]), vec![0.0; 32]));
    for (bytes, expected) in [
        (file(1, &[]), "version 1; 2 and 3 are read"),
        (file(3_u32.swap_bytes(), &[]), "big-endian"),
        (file(3, &[("a", &[2], 0, 0), ("a", &[2], 0, 32)]), "two tensors `a`"),
        (file(3, &[("a", &[16], 0, 0), ("b", &[2], 0, 32)]), "overlap"),
        (file(3, &[("a", &[48], 8, 0)]), "rows of 48 values of `a` are no whole blocks of q8_0"),
        (file(3, &[("a", &[64], 0, 0)]), "truncated"),
        (file(3, &[("a", &[2], 0, u64::MAX - 4)]), "more than a file can hold"),
        (file(3, &[("a", &[u64::MAX, 3], 0, 0)]), "more than a file can hold"),
        (file(3, &[("a", &[1; 9], 0, 0)]), "`a` has 9 dimensions"),
        (file(3, &[("a", &[256], 10, 0)]), "`a` is of type q2_k"),
        (file(3, &[("a", &[256], 99, 0)]), "`a` is of type number 99"),
    ] {
        let error = error(&bytes).to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_scale_that_is_not_finite_is_found_when_its_tensor_is_read() {
    let mut bytes = file(3, &[("a", &[32], 8, 0)]);
    let start = bytes.len() - 96;
    bytes[start + 1] = 0x7c;
    let (_file, weights) = open(&bytes);
    let error = weights.unwrap().read("a").unwrap_err().to_string();
    assert!(error.contains("`a` holds a weight that is"), "{error}");
}

#[test]
fn a_file_that_ends_anywhere_is_refused() {
    let whole = std::fs::read(golden("kinds.gguf")).unwrap();
    // The last tensor is padded.
    for length in (0..whole.len() - 32).step_by(7) {
        let error = error(&whole[..length]);
        assert!(matches!(error, WeightsError::Truncated { .. } | WeightsError::Format { .. }), "{length}: {error}");
    }
}

#[test]
fn absurd_counts_end_with_the_file() {
    let header = [&b"GGUF"[..], &3_u32.to_le_bytes()].concat();
    let huge = u64::MAX.to_le_bytes();
    for rest in [
        [huge, huge].concat(),
        [&1_u64.to_le_bytes()[..], &1_u64.to_le_bytes(), &huge].concat(),
        // An array of 2⁶⁴ − 1 floats, and one of as many texts.
        [
            &[0; 8][..],
            &1_u64.to_le_bytes(),
            &1_u64.to_le_bytes(),
            b"x",
            &9_u32.to_le_bytes(),
            &6_u32.to_le_bytes(),
            &huge,
        ]
        .concat(),
        [
            &[0; 8][..],
            &1_u64.to_le_bytes(),
            &1_u64.to_le_bytes(),
            b"x",
            &9_u32.to_le_bytes(),
            &8_u32.to_le_bytes(),
            &huge,
        ]
        .concat(),
    ] {
        let error = error(&[&header[..], &rest].concat()).to_string();
        assert!(error.contains("its header is cut off"), "{error}");
    }
}
