//! Files of `torch.save` (from `make.py`), sound and damaged; malicious and other files are in `refused`.

mod refused;

use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rawzip::ZipArchiveWriter;
use sd_weights::{Dtype, Weights, WeightsError, read_tensor, write_tensor};
use tempfile::{NamedTempFile, TempDir};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/torch").join(name)
}

fn file(bytes: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn error(bytes: &[u8]) -> WeightsError {
    Weights::in_file(file(bytes).path()).unwrap_err()
}

/// A zip archive of files that are not compressed.
fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipArchiveWriter::new(Vec::new());
    for (name, bytes) in files {
        let (mut entry, config) = archive.new_file(name).start().unwrap();
        let mut writer = config.wrap(&mut entry);
        writer.write_all(bytes).unwrap();
        let (_, descriptor) = writer.finish().unwrap();
        entry.finish(descriptor).unwrap();
    }
    archive.finish().unwrap()
}

/// A zip archive as PyTorch writes it, around a pickle.
fn zip(pickle: &[u8]) -> Vec<u8> {
    archive(&[("x/data.pkl", pickle), ("x/byteorder", b"little"), ("x/data/0", &[0; 16])])
}

#[test]
fn both_formats_hold_the_weights_of_a_training() {
    for name in ["zip.ckpt", "legacy.ckpt"] {
        let path = golden(name);
        let weights = Weights::in_file(&path).unwrap();
        let expected: [(&str, Dtype, &[usize]); 14] = [
            ("bfloat", Dtype::BF16, &[7]),
            ("channels_last", Dtype::F32, &[2, 3, 4, 5]),
            ("double", Dtype::F64, &[3]),
            ("empty", Dtype::F32, &[0, 4]),
            ("half", Dtype::F16, &[2, 3]),
            ("ids", Dtype::I64, &[1, 77]),
            ("mask", Dtype::BOOL, &[2]),
            ("parameter", Dtype::F32, &[4, 2]),
            ("part", Dtype::F32, &[6, 4]),
            ("scalar", Dtype::F32, &[]),
            ("shared", Dtype::F32, &[2, 3]),
            ("single", Dtype::F32, &[2, 3]),
            ("strided", Dtype::F32, &[5, 4]),
            ("transposed", Dtype::F32, &[3, 5]),
        ];
        let found: Vec<_> =
            weights.keys().map(|key| (key, weights.dtype(key).unwrap(), weights.shape(key).unwrap())).collect();
        assert_eq!(found, expected, "{name}");
        for (key, dtype, shape) in expected {
            match read_tensor(&path, key) {
                Ok((values, found)) => {
                    let counted: Vec<f32> = (0..shape.iter().product()).map(|n: usize| n as f32).collect();
                    assert_eq!((values, &found[..]), (counted, shape), "{name}: {key}");
                }
                Err(WeightsError::WrongType { found, .. }) => {
                    assert_eq!(dtype, Dtype::BOOL, "{key} {found}");
                }
                Err(other) => panic!("{name}: {key}: {other}"),
            }
        }
        assert_eq!(weights.metadata()["global_step"], "875000");
        assert_eq!(weights.metadata()["pytorch-lightning_version"], "1.4.2");
    }
}

#[test]
fn later_protocols_and_bare_dictionaries_are_read() {
    assert_eq!(read_tensor(&golden("plain.pt"), "weight").unwrap().0, [0.0, 1.0, 2.0, 3.0]);
}

#[test]
fn arrays_parameters_and_floats_of_eight_bits_are_tensors_too() {
    let all = [
        "array",
        "before.*",
        "columns",
        "e4m3",
        "e5m2",
        "integers",
        "now.*",
        "of_device",
        "of_numpy",
        "subclass",
        "with_state",
    ];
    for (name, expected) in
        [("kinds.pt", &all[..]), ("kinds-legacy.pt", &all), ("kinds-5.pt", &["array"]), ("alone.pt", &[""])]
    {
        let weights = Weights::in_file(&golden(name)).unwrap();
        assert_eq!(weights.keys().collect::<Vec<_>>(), expected, "{name}");
        for key in expected {
            let (values, shape) = read_tensor(&golden(name), key).unwrap();
            assert_eq!((&values[..], &shape[..]), (&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0][..], &[2, 3][..]), "{name}: {key}");
        }
    }
}

#[test]
fn the_name_of_a_file_does_not_matter() {
    let folder = tempfile::tempdir().unwrap();
    let renamed = folder.path().join("model.safetensors");
    std::fs::copy(golden("zip.ckpt"), &renamed).unwrap();
    assert!(Weights::in_file(&renamed).unwrap().shape("single").is_some());
    std::fs::rename(&renamed, folder.path().join("pytorch_model.bin")).unwrap();
    assert!(Weights::in_folder(folder.path(), "model").unwrap().shape("single").is_some());
}

/// The golden files, and a safetensors file.
fn sound() -> (TempDir, Vec<(PathBuf, Vec<u8>)>) {
    let folder = tempfile::tempdir().unwrap();
    let safetensors = folder.path().join("x.safetensors");
    write_tensor(&safetensors, "x", &[0.5; 256], &[16, 16]).unwrap();
    let files = [golden("zip.ckpt"), golden("legacy.ckpt"), safetensors];
    let read = |path: PathBuf| {
        let bytes = std::fs::read(&path).unwrap();
        (path, bytes)
    };
    (folder, files.map(read).to_vec())
}

#[test]
fn files_that_end_early_are_refused_wherever_they_end() {
    for (path, bytes) in sound().1 {
        for percent in 0..100 {
            let short = &bytes[..bytes.len() * percent / 100];
            let error = error(short).to_string();
            assert!(
                error.contains("truncated") || error.contains("ends early") || error.contains("download it again"),
                "{} at {percent} %: {error}",
                path.display()
            );
        }
    }
}

/// Reads all tensors that a file lists.
fn read_all(path: &Path) -> Result<(), WeightsError> {
    let weights = Weights::in_file(path)?;
    weights.keys().try_for_each(|key| weights.read(key).map(drop))
}

#[test]
fn no_changed_byte_makes_reading_panic_or_take_long() {
    for (path, bytes) in sound().1 {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("x");
        let mut longest = Duration::ZERO;
        for index in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[index] ^= [0x01, 0x80, 0xff][index % 3];
            std::fs::write(&target, &bytes).unwrap();
            let start = Instant::now();
            let _ = read_all(&target);
            longest = longest.max(start.elapsed());
        }
        assert!(longest < Duration::from_secs(5), "{}: {longest:?}", path.display());
    }
}

/// The pickle of a tensor `w` in a storage of single precision.
fn tensor_pickle(key: &str, elements: i64, offset: i64, shape: &[i64], strides: &[i64]) -> Vec<u8> {
    let number = |n: i64| [&[0x8a, 8][..], &n.to_le_bytes()].concat();
    let tuple =
        |numbers: &[i64]| [&b"("[..], &numbers.iter().flat_map(|n| number(*n)).collect::<Vec<_>>(), b"t"].concat();
    [
        &b"\x80\x02}X\x01\0\0\0wctorch._utils\n_rebuild_tensor_v2\n(("[..],
        b"X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\0",
        key.as_bytes(),
        b"X\x03\0\0\0cpu",
        &number(elements),
        b"tQ",
        &number(offset),
        &tuple(shape),
        &tuple(strides),
        b"\x89NtRs.",
    ]
    .concat()
}

/// Writes the archive of a pickle after a storage of `elements` values, which is a hole in the file. Sizes above 4 GB are in
/// the fields of ZIP64.
fn hollow_archive(pickle: &[u8], elements: u64, last: f32) -> NamedTempFile {
    let (mut file, size) = (NamedTempFile::new().unwrap(), 4 * elements);
    let local = |name: &str, size: u32| {
        let fixed =
            [&b"PK\x03\x04\x2d\0\0\0\0\0\0\0\0\0\0\0\0\0"[..], &[size.to_le_bytes(), size.to_le_bytes()].concat()];
        [&fixed.concat()[..], &(name.len() as u16).to_le_bytes(), &[0, 0], name.as_bytes()].concat()
    };
    let entry = |name: &str, extra: &[u64], size: u32, offset: u32| {
        let numbers: Vec<u8> = extra.iter().flat_map(|n| n.to_le_bytes()).collect();
        let extra = [&[1, 0][..], &(numbers.len() as u16).to_le_bytes(), &numbers].concat();
        let lengths = [name.len() as u16, extra.len() as u16].map(u16::to_le_bytes).concat();
        let sizes = [size.to_le_bytes(), size.to_le_bytes()].concat();
        let fixed = [&b"PK\x01\x02\x2d\0\x2d\0\0\0\0\0\0\0\0\0\0\0\0\0"[..], &sizes, &lengths, &[0; 10]].concat();
        [&fixed[..], &offset.to_le_bytes(), name.as_bytes(), &extra].concat()
    };
    let storage = local("x/data/0", u32::MAX);
    let second = storage.len() as u64 + size;
    let described = [local("x/data.pkl", pickle.len() as u32), pickle.to_vec()].concat();
    let entries =
        [entry("x/data/0", &[size, size], u32::MAX, 0), entry("x/data.pkl", &[second], pickle.len() as u32, u32::MAX)]
            .concat();
    let directory = second + described.len() as u64;
    let numbers = [2, 2, entries.len() as u64, directory].map(u64::to_le_bytes).concat();
    let end = [&b"PK\x06\x06"[..], &44_u64.to_le_bytes(), &[0x2d, 0, 0x2d, 0], &[0; 8], &numbers].concat();
    let locator =
        [&b"PK\x06\x07\0\0\0\0"[..], &(directory + entries.len() as u64).to_le_bytes(), &[1, 0, 0, 0]].concat();
    let old_end = [&b"PK\x05\x06\0\0\0\0"[..], &[0xff; 12], &[0, 0]].concat();
    file.write_all(&storage).unwrap();
    file.seek(SeekFrom::Start(second - 4)).unwrap();
    file.write_all(&[&last.to_le_bytes()[..], &described, &entries, &end, &locator, &old_end].concat()).unwrap();
    file
}

#[test]
fn archives_larger_than_four_gigabytes_are_read() {
    let elements: u64 = 1_300_000_000;
    let file = hollow_archive(&tensor_pickle("0", elements as i64, elements as i64 - 2, &[2], &[1]), elements, 0.5);
    assert!(file.path().metadata().unwrap().len() > 5_000_000_000);
    assert_eq!(read_tensor(file.path(), "w").unwrap().0, [0.0, 0.5]);
}
