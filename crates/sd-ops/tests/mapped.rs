//! Weights that stay in their files.

#![cfg(all(target_os = "linux", feature = "flex"))]

use std::io::ErrorKind;
use std::path::Path;

use burn::tensor::{DType, Device, Tensor, TensorData};
use sd_ops::{MappedWeights, linear};

/// Width of a square weight in single precision, and its bytes.
const WIDTH: usize = 512;
const BYTES: usize = WIDTH * WIDTH * 4;

/// A file of so many weights, whose values are small.
fn file_of(weights: usize) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    let value = |i: usize| ((i * 7919 % 1000) as f32 / 1000.0 - 0.5).to_le_bytes();
    let values: Vec<u8> = (0..weights * WIDTH * WIDTH).flat_map(value).collect();
    std::fs::write(file.path(), values).unwrap();
    file
}

/// A weight of the file, where it lies.
fn weight(mapped: &MappedWeights, file: &Path, index: usize) -> Tensor<2> {
    let start = (index * BYTES) as u64;
    let bytes = mapped.bytes(file, start..start + BYTES as u64).unwrap();
    Tensor::from_data(TensorData::from_bytes(bytes, [WIDTH, WIDTH], DType::F32), &Device::flex())
}

/// The bytes of a mapped file that are in the memory of this process.
fn resident(file: &Path) -> usize {
    let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
    let mut lines = maps.lines().skip_while(|line| !line.ends_with(file.to_str().unwrap()));
    let rss = lines.find_map(|line| line.strip_prefix("Rss:")).expect("the file is mapped");
    rss.trim().strip_suffix(" kB").unwrap().parse::<usize>().unwrap() * 1024
}

fn vectors() -> Tensor<2> {
    Tensor::from_data(TensorData::new(vec![0.25_f32; 2 * WIDTH], [2, WIDTH]), &Device::flex())
}

#[test]
fn a_pass_over_a_large_file_keeps_a_window_of_it_in_memory() {
    let (file, window) = (file_of(20), 4 * BYTES);
    let mapped = MappedWeights::new(window);
    let weights: Vec<_> = (0..20).map(|index| weight(&mapped, file.path(), index)).collect();
    assert_eq!(resident(file.path()), 0, "nothing is read before it is used");
    for _ in 0..2 {
        for weight in &weights {
            linear(vectors(), weight.clone(), None);
            // A page fault brings pages around it too.
            assert!(resident(file.path()) <= window + 4 * (64 << 10), "{} of {window}", resident(file.path()));
        }
    }
    assert!(resident(file.path()) >= window, "{} of {window}", resident(file.path()));
}

#[test]
fn a_mapped_weight_gives_the_bytes_of_one_in_memory() {
    let file = file_of(3);
    // With room for one, each use reads the file again.
    let mapped = MappedWeights::new(1);
    let weights: Vec<_> = (0..3).map(|index| weight(&mapped, file.path(), index)).collect();
    let bytes = std::fs::read(file.path()).unwrap();
    for _ in 0..2 {
        for (weight, bytes) in weights.iter().zip(bytes.chunks(BYTES)) {
            let data = TensorData::from_bytes_vec(bytes.to_vec(), [WIDTH, WIDTH], DType::F32);
            let copy = Tensor::<2>::from_data(data, &Device::flex());
            for (mapped, copy) in [(weight.clone(), copy.clone()), (weight.clone().transpose(), copy.transpose())] {
                let [mapped, copy] = [mapped, copy].map(|weight| linear(vectors(), weight, None).into_data());
                mapped.assert_eq(&copy, true);
            }
        }
    }
}

#[test]
fn whoever_writes_to_a_mapped_weight_changes_a_copy() {
    let file = file_of(1);
    let before = std::fs::read(file.path()).unwrap();
    let mapped = MappedWeights::new(BYTES);
    let weight = weight(&mapped, file.path(), 0);
    let doubled = (weight.clone() * 2.0).into_data();
    let twice = (weight * 2.0).into_data();
    twice.assert_eq(&doubled, true);
    assert_eq!(std::fs::read(file.path()).unwrap(), before);
    let mut bytes = mapped.bytes(file.path(), 0..8).unwrap();
    bytes[3] = !before[3];
    assert_eq!((bytes[3], bytes[4]), (!before[3], before[4]));
    assert_eq!(std::fs::read(file.path()).unwrap(), before);
    assert_eq!(*mapped.bytes(file.path(), 0..8).unwrap(), before[..8]);
}

#[test]
fn a_range_that_is_not_in_the_file_is_an_error() {
    let file = file_of(1);
    let mapped = MappedWeights::new(BYTES);
    let length = BYTES as u64;
    for range in [0..length + 1, length..length + 8, u64::MAX - 1..u64::MAX] {
        assert_eq!(mapped.bytes(file.path(), range).unwrap_err().kind(), ErrorKind::UnexpectedEof);
    }
    assert!(mapped.bytes(file.path(), length..length).unwrap().is_empty());
    let missing = file.path().with_extension("missing");
    assert_eq!(mapped.bytes(&missing, 0..1).unwrap_err().kind(), ErrorKind::NotFound);
    let empty = tempfile::NamedTempFile::new().unwrap();
    assert!(mapped.bytes(empty.path(), 0..1).is_err());
}
