//! The tokenizer against transformers' ids in `golden.json` (made by `make.py`), and against
//! damaged folders.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::LazyLock;

use flate2::read::GzDecoder;
use sd_clip::{Encoded, Padding, Tokenizer, TokenizerError};
use serde_json::{Value, json};
use tempfile::TempDir;

static GOLDEN: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(include_str!("golden.json")).unwrap());

/// CLIP's merges, one per line.
static MERGES: LazyLock<String> = LazyLock::new(|| {
    let mut text = String::new();
    GzDecoder::new(&include_bytes!("../../../data/bpe_simple_vocab_16e6.txt.gz")[..])
        .read_to_string(&mut text)
        .unwrap();
    text.split_once('\n').unwrap().1.to_owned()
});

/// CLIP's tokens: the bytes, the bytes at the end of a word, the results of the merges, start and end.
static VOCABULARY: LazyLock<Value> = LazyLock::new(|| {
    let printable = |b: &u32| matches!(b, 33..=126 | 161..=172 | 174..=255);
    let bytes = (0..256).filter(printable).chain(256..256 + (0..256).filter(|b| !printable(b)).count() as u32);
    let bytes: Vec<_> = bytes.map(|b| char::from_u32(b).unwrap().to_string()).collect();
    let ends = bytes.iter().map(|byte| format!("{byte}</w>"));
    let merged = MERGES.lines().map(|merge| merge.replace(' ', ""));
    let tokens = bytes.iter().cloned().chain(ends).chain(merged);
    let tokens = tokens.chain(["<|startoftext|>".into(), "<|endoftext|>".into()]);
    tokens.zip(0u32..).map(|(token, id)| (token, Value::from(id))).collect::<serde_json::Map<_, _>>().into()
});

/// A folder with CLIP's vocabulary, except for the files in `settings`.
fn folder(settings: &Value) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    if settings.get("tokenizer.json").is_none() {
        write("vocab.json", &VOCABULARY.to_string());
        write("merges.txt", &format!("#version: 0.2\n{}", *MERGES));
    }
    for (name, content) in settings.as_object().unwrap() {
        write(name, &content.as_str().map_or_else(|| content.to_string(), str::to_owned));
    }
    folder
}

fn tokenizer(settings: &Value) -> Tokenizer {
    Tokenizer::from_folder(folder(settings).path()).unwrap()
}

#[track_caller]
fn check_folder(name: &str) {
    let golden = &GOLDEN["folders"][name];
    let mut settings = golden["settings"].clone();
    if let Some(saved) = settings.get_mut("tokenizer.json") {
        saved["model"]["vocab"] = VOCABULARY.clone();
        saved["model"]["merges"] =
            MERGES.lines().map(|merge| merge.split(' ').collect()).collect::<Vec<Value>>().into();
    }
    check(&tokenizer(&settings), name);
}

#[track_caller]
fn check(tokenizer: &Tokenizer, name: &str) {
    let golden = &GOLDEN["folders"][name];
    let length = golden["max_length"].as_u64().unwrap() as usize;
    let pad = golden["pad"].as_u64().unwrap() as u32;
    assert_eq!(tokenizer.max_length(), length);
    for case in GOLDEN["prompts"].as_array().unwrap() {
        let prompt = case["prompt"].as_str().unwrap();
        let mut expected: Vec<_> =
            case[name].as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect();
        expected.resize(length, pad);
        assert_eq!(tokenizer.encode(prompt).ids, expected, "{prompt:?} in folder {name}");
    }
}

#[test]
fn stable_diffusion_1_ids_are_those_of_transformers() {
    check_folder("sd1");
}

#[test]
fn stable_diffusion_2_ids_are_those_of_transformers_also_where_a_prompt_has_its_padding_token() {
    check_folder("sd2");
}

#[test]
fn the_built_in_tokenizer_is_that_of_the_published_folders() {
    check(&Tokenizer::clip(Padding::End), "sd1");
    check(&Tokenizer::clip(Padding::Exclamation), "sd2");
}

#[test]
fn truncation_and_padding_in_a_folder_that_transformers_saved_as_one_file_are_ignored() {
    check_folder("sd1-saved");
    check_folder("sd2-saved");
}

#[test]
fn tokens_listed_in_the_configuration_are_found_in_the_prompt() {
    check_folder("listed");
}

#[test]
fn tokens_listed_in_a_file_of_their_own_are_found_in_the_prompt() {
    check_folder("legacy");
}

#[test]
fn a_folder_with_nothing_but_a_vocabulary_has_the_tokens_and_the_length_of_clip() {
    check_folder("bare");
}

#[test]
fn letters_outside_the_vocabulary_become_the_unknown_token() {
    check_folder("tiny");
}

#[test]
fn the_part_that_does_not_fit_is_returned_as_it_was_written() {
    let tokenizer = tokenizer(&json!({}));
    let cut = |prompt: &str| tokenizer.encode(prompt).cut;
    assert_eq!(cut(""), None);
    assert_eq!(cut(&"cat ".repeat(75)), None);
    assert_eq!(
        cut(&format!("{} A   Dog,\nCafe\u{301}!  ", "cat ".repeat(75))).as_deref(),
        Some("A   Dog,\nCafe\u{301}!")
    );
    assert_eq!(cut(&format!("{}UNDERSTATEDLY", "cat ".repeat(74))).as_deref(), Some("STATEDLY"));
    // An emoji of two tokens; only the first fits.
    assert_eq!(cut(&format!("{}🫠 melts", "cat ".repeat(74))).as_deref(), Some("🫠 melts"));
    assert_eq!(cut(&"0123456789".repeat(8)).as_deref(), Some("56789"));
}

#[test]
fn a_cut_prompt_still_ends_with_the_end_token() {
    let tokenizer = tokenizer(&json!({}));
    let Encoded { ids, .. } = tokenizer.encode(&"cat ".repeat(100));
    assert_eq!((ids.len(), ids[76]), (77, 49407));
}

#[test]
fn an_unknown_length_is_that_of_clip() {
    for length in ["null", "1000000000000000019884624838656", "1e30"] {
        let config = format!("{{\"model_max_length\": {length}}}");
        assert_eq!(tokenizer(&json!({"tokenizer_config.json": config})).max_length(), 77);
    }
}

/// Checks how reading fails on a small valid folder with these files added.
#[track_caller]
fn check_error(files: Value, expected: &str) {
    let mut settings = GOLDEN["folders"]["tiny"]["settings"].clone();
    settings.as_object_mut().unwrap().extend(files.as_object().unwrap().clone());
    let folder = folder(&settings);
    let message = Tokenizer::from_folder(folder.path()).unwrap_err().to_string();
    let message = message.replace(&format!("{}{}", folder.path().display(), std::path::MAIN_SEPARATOR), "");
    assert!(message.starts_with(expected), "{message}");
    assert!(!message.contains('\n') && message.contains("copy "), "{message}");
}

#[test]
fn a_missing_file_is_named() {
    let folder = folder(&GOLDEN["folders"]["tiny"]["settings"]);
    let error = || Tokenizer::from_folder(folder.path()).unwrap_err();
    fs::remove_file(folder.path().join("merges.txt")).unwrap();
    assert!(matches!(error(), TokenizerError::Missing { file: "merges.txt", .. }));
    fs::remove_file(folder.path().join("vocab.json")).unwrap();
    assert!(matches!(error(), TokenizerError::Missing { file: "vocab.json", .. }));
    let error = Tokenizer::from_folder(Path::new("no/such/folder")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no/such/folder: expected tokenizer.json, or vocab.json and merges.txt; found no vocab.json: \
         copy the model's whole tokenizer folder"
    );
}

#[test]
fn a_file_that_is_not_json_is_named_with_the_position_of_the_error() {
    let cut = r#"{"a": 1, "#;
    check_error(
        json!({"vocab.json": cut}),
        "vocab.json: expected JSON; found EOF while parsing a value at line 1 column 9",
    );
    for file in ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"] {
        check_error(json!({file: ""}), &format!("{file}: expected JSON; found EOF"));
        check_error(json!({file: "[1]"}), &format!("{file}: expected an object; found [1]"));
    }
}

#[test]
fn a_file_that_is_not_text_is_named() {
    let folder = folder(&GOLDEN["folders"]["tiny"]["settings"]);
    fs::write(folder.path().join("merges.txt"), b"\xff\xfe").unwrap();
    let error = Tokenizer::from_folder(folder.path()).unwrap_err();
    assert!(matches!(&error, TokenizerError::Read { file, .. } if file.ends_with("merges.txt")), "{error}");
}

#[test]
fn a_malformed_merge_is_named_with_its_line() {
    let check = |line: &str, found: &str| {
        let merges = format!("#version: 0.2\na t</w>\n{line}\n");
        let expected = "merges.txt: expected merge 3 to make a token of the vocabulary from two others; found";
        check_error(json!({"merges.txt": merges}), &format!("{expected} \"{found}\""));
    };
    check("alone", "alone");
    check("", "");
    check("a t c", "a t c");
    check("a  t", "a  t");
    check("a 猫", "a 猫");
    check("a\tt</w>", "a\\tt</w>");
    check("<|startoftext|> <|endoftext|>", "<|startoftext|> <|endoftext|>");
    check(&"long".repeat(20), &("long".repeat(10) + "…"));
}

#[test]
fn a_special_token_outside_the_vocabulary_is_named() {
    for key in ["bos_token", "eos_token", "unk_token", "pad_token"] {
        let expected = format!("vocab.json: expected the {key} \"[X]\" in the vocabulary; found none: correct {key}");
        check_error(json!({"special_tokens_map.json": {key: "[X]"}}), &expected);
        check_error(json!({"tokenizer_config.json": {key: {"content": "[X]"}}}), &expected);
    }
    let listed = json!({"unk_token": "[X]", "added_tokens_decoder": {"49408": {"content": "[X]"}}});
    check_error(json!({"tokenizer_config.json": listed}), "vocab.json: expected the unk_token \"[X]\"");
    let nothing = json!({"pad_token": "", "added_tokens_decoder": {"49408": {"content": ""}}});
    check_error(json!({"tokenizer_config.json": nothing}), "vocab.json: expected the pad_token \"\"");
}

#[test]
fn a_value_of_the_wrong_kind_is_named() {
    let config = |content: Value| json!({"tokenizer_config.json": content});
    let expected = "tokenizer_config.json: expected";
    check_error(
        config(json!({"pad_token": 0})),
        &format!("{expected} a token, as a string or an object with \"content\"; found 0"),
    );
    check_error(config(json!({"pad_token": {}})), &format!("{expected} a token"));
    check_error(config(json!({"added_tokens_decoder": [1]})), &format!("{expected} an object; found [1]"));
    check_error(
        config(json!({"added_tokens_decoder": {"x": "y"}})),
        &format!("{expected} an id below 2147483648; found \"x\""),
    );
    for length in [json!(1), json!(-77), json!("77"), json!({})] {
        check_error(
            config(json!({"model_max_length": length})),
            &format!("{expected} a model_max_length of 2 or more"),
        );
    }
    check_error(json!({"added_tokens.json": {"x": -1}}), "added_tokens.json: expected an id");
    check_error(
        json!({"vocab.json": {"x": 4294967295u32}}),
        "vocab.json: expected an id below 2147483648; found 4294967295",
    );
    check_error(json!({"vocab.json": {"x": "y"}}), "vocab.json: expected an id below 2147483648; found \"y\"");
    check_error(json!({"tokenizer.json": {}}), "tokenizer.json: expected an object; found nothing");
    check_error(json!({"tokenizer.json": {"model": {"vocab": []}}}), "tokenizer.json: expected an object; found []");
    check_error(json!({"tokenizer.json": {"model": {"vocab": {}}}}), "tokenizer.json: expected a list; found nothing");
    let model = |merge: Value| json!({"tokenizer.json": {"model": {"vocab": {"a": 0, "b": 1}, "merges": [merge]}}});
    for merge in [json!("a b"), json!(["a"]), json!(["a", "b"]), json!(["a", 1]), json!({}), json!(null)] {
        check_error(model(merge), "tokenizer.json: expected merge 1 to make a token of the vocabulary from two others");
    }
}
