//! Files that `torch.save` wrote (`golden.py`), damaged ones and malicious ones.

use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rawzip::ZipArchiveWriter;
use sd_weights::{Dtype, Weights, WeightsError, read_tensor, write_tensor};
use tempfile::{NamedTempFile, TempDir};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/torch").join(name)
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
                Ok((numbers, found)) => {
                    let counted: Vec<f32> = (0..shape.iter().product()).map(|n: usize| n as f32).collect();
                    assert_eq!((numbers, &found[..]), (counted, shape), "{name}: {key}");
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
            let (numbers, shape) = read_tensor(&golden(name), key).unwrap();
            assert_eq!((&numbers[..], &shape[..]), (&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0][..], &[2, 3][..]), "{name}: {key}");
        }
    }
}

#[test]
fn names_do_not_count() {
    let folder = tempfile::tempdir().unwrap();
    let renamed = folder.path().join("model.safetensors");
    std::fs::copy(golden("zip.ckpt"), &renamed).unwrap();
    assert!(Weights::in_file(&renamed).unwrap().shape("single").is_some());
    std::fs::rename(&renamed, folder.path().join("pytorch_model.bin")).unwrap();
    assert!(Weights::in_folder(folder.path(), "model").unwrap().shape("single").is_some());
}

/// The golden files, and one of safetensors.
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

/// Reads all that a file says it has.
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

#[test]
fn headers_of_safetensors_that_make_no_sense_are_refused() {
    let tensor = |dtype: &str, shape: &str, offsets: &str| {
        format!(r#"{{"a":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}}}"#)
    };
    let two = |second: &str| {
        let first = r#""a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#;
        format!(r#"{{{first},"b":{{"dtype":"F32","shape":[2],"data_offsets":{second}}}}}"#)
    };
    for header in [
        tensor("F32", "[2]", "[0,7]"),
        tensor("F32", "[3]", "[0,8]"),
        tensor("F16", "[2]", "[0,8]"),
        tensor("F33", "[2]", "[0,8]"),
        tensor("F32", "[2]", "[8,0]"),
        tensor("F32", "[2]", "[4,12]"),
        tensor("F32", "[2]", "[0,18446744073709551615]"),
        tensor("F32", "[9223372036854775808]", "[0,8]"),
        tensor("F32", "[4294967296,4294967296]", "[0,0]"),
        tensor("F32", "[9223372036854775808,2]", "[0,0]"),
        tensor("F32", "[-2]", "[0,8]"),
        tensor("F32", "[2.5]", "[0,8]"),
        tensor("F32", "\"2\"", "[0,8]"),
        tensor("F32", "[2]", "[0]"),
        tensor("F32", "[2]", "null"),
        two("[4,12]"),
        two("[0,8]"),
        two("[12,20]"),
        "{".repeat(100_000),
        "{\"a\":[".repeat(50_000),
        r#"{"__metadata__":{"a":1}}"#.to_string(),
        r#"{"__metadata__":3}"#.to_string(),
        "{}trailing".to_string(),
        "[]".to_string(),
    ] {
        let bytes = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &[0; 64]].concat();
        let error = error(&bytes).to_string();
        assert!(error.contains("not a safetensors file"), "{}: {error}", &header[..header.len().min(80)]);
    }
    for length in [100_000_000_u64, 1 << 63, u64::MAX] {
        let error = error(&[&length.to_le_bytes()[..], b"{}"].concat()).to_string();
        assert!(error.contains("a header of"), "{error}");
    }
}

#[test]
fn pickles_that_call_something_else_are_refused_by_its_name() {
    let global = |module: &str, name: &str| [b"c", module.as_bytes(), b"\n", name.as_bytes(), b"\n"].concat();
    let text = |text: &str| [b"X", &(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat();
    let proto = b"\x80\x02".to_vec();
    let system = global("os", "system");
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("os.system", [&proto[..], &system, &text("id"), b"\x85R."].concat()),
        ("posix.system", b"cposix\nsystem\n(S'id'\ntR.".to_vec()),
        ("builtins.eval", [&proto[..], &global("builtins", "eval"), b"(", &text("1"), b"tR."].concat()),
        ("builtins.getattr", [&proto[..], &global("builtins", "getattr"), b"(", &system, &text("x"), b"tR."].concat()),
        // The names on the stack.
        ("os.system", [b"\x80\x04", &text("os")[..], &text("system"), b"\x93", &text("id"), b"\x85R."].concat()),
        // Python's INST and OBJ, as old pickles have them, and what newer classes are made by.
        ("os.system", b"\x80\x02(S'id'\nios\nsystem\n.".to_vec()),
        ("os.system", [&proto[..], b"(", &system, &text("id"), b"o."].concat()),
        ("os.system", [&proto[..], &system, b")\x81."].concat()),
        ("os.system", [b"\x80\x04", &system[..], b")}\x92."].concat()),
        // A state for a class or a function.
        ("os.environ.__setstate__", [&proto[..], &global("os", "environ"), b"}", &text("x"), b"K\x01sb."].concat()),
        // Deep inside of what else would be weights.
        (
            "os.system",
            [&proto[..], b"}", &text("state_dict"), b"}", &text("w"), &system, &text("id"), b"\x85Rss."].concat(),
        ),
        (
            "os.system",
            [&proto[..], &global("collections", "OrderedDict"), b"]", &system, &text("id"), b"\x85Ra\x85R."].concat(),
        ),
        ("torch._utils._rebuild_tensor_v2.__globals__", {
            [&proto[..], &global("torch._utils", "_rebuild_tensor_v2.__globals__"), b")R."].concat()
        }),
        (
            "torch._utils._rebuild_tensor_v2",
            [&proto[..], &global("torch._utils", "_rebuild_tensor_v2"), b")R."].concat(),
        ),
        // A class that holds weights is not called with arguments, and no function through one that is known.
        (
            "torch.nn.modules.container.ParameterDict",
            [&proto[..], &global("torch.nn.modules.container", "ParameterDict"), b"}\x85R."].concat(),
        ),
        (
            "os.system",
            [
                &proto[..],
                &global("torch._tensor", "_rebuild_from_type_v2"),
                b"(",
                &system,
                &system,
                &text("id"),
                b"\x85}tR.",
            ]
            .concat(),
        ),
        (
            "torch._utils._unknown",
            [
                &proto[..],
                &global("torch._tensor", "_rebuild_from_type_v2"),
                b"(",
                &global("torch._utils", "_unknown"),
                &system,
                b")}tR.",
            ]
            .concat(),
        ),
        ("collections.OrderedDict ", [&proto[..], &global("collections", "OrderedDict "), b")R."].concat()),
        ("ｏs.system", [&proto[..], &global("ｏs", "system"), b")R."].concat()),
        (".", [&proto[..], &global("", ""), b")R."].concat()),
        ("extension 7", b"\x80\x02\x82\x07.".to_vec()),
        ("extension 65536", b"\x80\x02\x84\x00\x00\x01\x00)R.".to_vec()),
    ];
    for (name, pickle) in cases {
        let mut files = vec![zip(&pickle)];
        if pickle[0] == 0x80 {
            files.push(pickle.clone());
        }
        for bytes in files {
            match error(&bytes) {
                WeightsError::Forbidden { global, .. } => assert_eq!(global, name),
                other => panic!("{name}: {other}"),
            }
        }
    }
}

#[test]
fn what_is_named_and_not_called_does_no_harm() {
    let pickle = b"\x80\x02}cos\nsystem\nK\x01s.";
    assert_eq!(Weights::in_file(file(&zip(pickle)).path()).unwrap().keys().count(), 0);
}

#[test]
fn pickles_that_make_no_sense_are_refused_without_much_work() {
    let million = 1_000_000;
    let long = |length: u32| [&b"X"[..], &length.to_le_bytes(), &vec![b'a'; length as usize]].concat();
    // What is large is remembered, and then asked for again and again.
    let again = |large: &[u8], small: &[u8]| [large, b"q\x00", &small.repeat(million), b"."].concat();
    let nested = {
        let inner: Vec<u8> = (0..3000_u16).flat_map(|_| b"h\x01N".to_vec()).collect();
        let inner = [&b"}("[..], &inner, b"uq\x02"].concat();
        let outer = [&b"}("[..], &b"h\x01h\x02".repeat(3000), b"u"].concat();
        [b"X\x01\0\0\0aq\x01", &inner[..], &outer, b"."].concat()
    };
    let cases: Vec<Vec<u8>> = vec![
        b".".to_vec(),
        b"0.".to_vec(),
        b"t.".to_vec(),
        b"2.".to_vec(),
        b"(0.".to_vec(),
        b"q\x00.".to_vec(),
        b"h\x05.".to_vec(),
        b"\x80\x09.".to_vec(),
        b"\xff.".to_vec(),
        b"NR.".to_vec(),
        b"NNR.".to_vec(),
        b"N)R.".to_vec(),
        b"NNb.".to_vec(),
        b"NNa.".to_vec(),
        b"}(Nu.".to_vec(),
        b"NQ.".to_vec(),
        b"Pkey\n.".to_vec(),
        b"Inumber\n.".to_vec(),
        b"N.".to_vec(),
        b"].".to_vec(),
        // Texts and numbers of sizes that are not there.
        b"X\xff\xff\xff\xffab.".to_vec(),
        b"\x8d\xff\xff\xff\xff\xff\xff\xff\xffab.".to_vec(),
        b"\x8b\xff\xff\xff\x7fab.".to_vec(),
        b"cos".to_vec(),
        // Nesting, cycles and floods.
        [&b"N"[..], &vec![0x85; million], b"."].concat(),
        [&b"]"[..], &b"2a".repeat(1000), b"."].concat(),
        [&b"("[..], &vec![b'('; million], b"."].concat(),
        [&b"N"[..], &vec![b'2'; 5 * million], b"."].concat(),
        vec![b')'; 5 * million],
        again(&long(4_000_000), b"h\x00h\x00\x93"),
        again(&[&b"("[..], &vec![b'N'; million], b"t"].concat(), b"c_codecs\nencode\nh\x00R"),
        again(&[&b"]("[..], &b"NN\x86".repeat(100_000), b"e"].concat(), b"ccollections\nOrderedDict\nh\x00\x85R0"),
        nested,
        // A ParameterDict without its parameters, or with a million of them again and again.
        [PARAMETER_DICT, b"}b."].concat(),
        [PARAMETER_DICT, b"Nb."].concat(),
        again(
            &[&b"}X\x0b\0\0\0_parameters}("[..], &b"NN".repeat(million), b"us"].concat(),
            &[PARAMETER_DICT, b"h\x00b"].concat(),
        ),
        // Bytes of a text of 4 MB, and arrays of another number of bytes than their shape says.
        again(&long(4_000_000), b"c_codecs\nencode\nh\x00X\x06\0\0\0latin1\x86R"),
        array_pickle(&[2, 2], b"\0\0\0\0"),
        array_pickle(&[255; 32], b"\0\0\0\0"),
    ];
    for pickle in cases {
        let start = Instant::now();
        let error = error(&zip(&pickle));
        assert!(matches!(error, WeightsError::Format { .. }), "{error}");
        assert!(start.elapsed() < Duration::from_secs(20), "{error}");
    }
}

const PARAMETER_DICT: &[u8] = b"ctorch.nn.modules.container\nParameterDict\n)\x81";

/// The pickle of an array of single precision.
fn array_pickle(shape: &[u8], bytes: &[u8]) -> Vec<u8> {
    let shape: Vec<u8> = shape.iter().flat_map(|n| [b'K', *n]).collect();
    [
        &b"\x80\x03cnumpy.core.multiarray\n_reconstruct\n)R(K\x01("[..],
        &shape,
        b"tcnumpy\ndtype\nX\x02\0\0\0f4\x85R\x89C",
        &[bytes.len() as u8],
        bytes,
        b"tb.",
    ]
    .concat()
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

#[test]
fn tensors_beyond_their_storage_are_refused() {
    let open = |pickle: &[u8]| read_all(file(&zip(pickle)).path());
    open(&tensor_pickle("0", 4, 0, &[2, 2], &[1, 2])).unwrap();
    open(&tensor_pickle("0", 4, 3, &[1], &[9])).unwrap();
    let huge = i64::MAX;
    for (key, elements, offset, shape, strides) in [
        ("1", 4, 0, &[2, 2][..], &[2, 1][..]),
        ("0", 4, 1, &[2, 2], &[2, 1]),
        ("0", 4, huge, &[1], &[1]),
        ("0", 4, -1, &[1], &[1]),
        ("0", huge, 0, &[5], &[1]),
        ("0", 4, 0, &[-1], &[1]),
        ("0", 4, 0, &[2], &[-1]),
        ("0", 4, 0, &[2], &[huge]),
        ("0", 4, 0, &[huge], &[0]),
        ("0", 4, 0, &[huge, huge, 4], &[0, 0, 1]),
        ("0", 4, 0, &[5], &[0]),
        ("0", 4, 0, &[2], &[1, 1]),
        ("0", -4, 0, &[2], &[1]),
    ] {
        let error = open(&tensor_pickle(key, elements, offset, shape, strides)).unwrap_err();
        assert!(matches!(error, WeightsError::Format { .. }), "{error}");
    }
}

/// The archive of a pickle behind a storage of `elements` numbers, which is a hole in the file: what is larger than 4 GB
/// is told by the fields of ZIP64.
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

#[test]
fn archives_that_pytorch_does_not_write_are_refused() {
    let text = |bytes: &[u8]| error(bytes).to_string();
    assert!(text(&archive(&[("model.safetensors", b"")])).contains("without a data.pkl"));
    // The method of the first entry, in its own header and in the archive's directory: 8 is deflate.
    let mut bytes = zip(b"}.");
    let directory = bytes.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    (bytes[8], bytes[directory + 10]) = (8, 8);
    assert!(text(&bytes).contains("compressed"), "{}", text(&bytes));
}

#[test]
fn other_files_are_told_by_what_they_are() {
    for (bytes, expected) in [
        (&b"version https://git-lfs.github.com/spec/v1"[..], "git lfs pull"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"GGUF\x03\0\0\0\0\0\0\0\0\0", "GGUF"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "PNG image"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0", "JPEG image"),
        (b"RIFF\x24\0\0\0WEBPVP8 ", "WebP image"),
        (b"{\"unet\":{\"a\": 1}}", "JSON"),
        (b"just some words about a model", "a text, no weights"),
        (b"", "truncated"),
        (b"{}", "truncated"),
    ] {
        let error = error(bytes).to_string();
        assert!(error.contains(expected), "{error}");
    }
    let folder = tempfile::tempdir().unwrap();
    let error = Weights::in_file(folder.path()).unwrap_err().to_string();
    assert!(error.contains("it is a folder: name a file in it"), "{error}");
}
