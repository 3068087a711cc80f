//! Files that are refused: invalid headers and pickles, pickles that ask for more than weights need, and other kinds of file.

use super::*;

#[test]
fn invalid_headers_of_safetensors_are_refused() {
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
fn a_pickle_that_calls_another_function_is_refused_with_its_name() {
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
        // Python's INST and OBJ, as in old pickles, and the instructions that make newer classes.
        ("os.system", b"\x80\x02(S'id'\nios\nsystem\n.".to_vec()),
        ("os.system", [&proto[..], b"(", &system, &text("id"), b"o."].concat()),
        ("os.system", [&proto[..], &system, b")\x81."].concat()),
        ("os.system", [b"\x80\x04", &system[..], b")}\x92."].concat()),
        // A state for a class or a function.
        ("os.environ.__setstate__", [&proto[..], &global("os", "environ"), b"}", &text("x"), b"K\x01sb."].concat()),
        // Deep inside otherwise valid weights.
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
        // A class that holds weights takes no arguments, and a known function calls no unknown one.
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
fn a_function_that_is_named_and_not_called_does_no_harm() {
    let pickle = b"\x80\x02}cos\nsystem\nK\x01s.";
    assert_eq!(Weights::in_file(file(&zip(pickle)).path()).unwrap().keys().count(), 0);
}

#[test]
fn invalid_pickles_are_refused_without_much_work() {
    let million = 1_000_000;
    let long = |length: u32| [&b"X"[..], &length.to_le_bytes(), &vec![b'a'; length as usize]].concat();
    // A large value is put into the memo, and then recalled again and again.
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
        // Texts and numbers that are longer than the pickle.
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
        // Bytes from a text of 4 MB, and arrays whose number of bytes does not match their shape.
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
fn other_files_are_described() {
    for (bytes, expected) in [
        (&b"version https://git-lfs.github.com/spec/v1"[..], "git lfs pull"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"GGUF\x03\0\0\0\0\0\0\0\0\0", "not a GGUF file: its header is cut off"),
        (b"lmgg\x01\0\0\0\0\0", "GGML"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "PNG image"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0", "JPEG image"),
        (b"RIFF\x24\0\0\0WEBPVP8 ", "WebP image"),
        (b"{\"unet\":{\"a\": 1}}", "JSON"),
        (b"just some words about a model", "a text without weights"),
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
