//! Products of integers of 8 bits: `--int8`.

use sd_golden::{Family, Kind, TinyModel};
use serde_json::Value;

use crate::{MODEL, Run, assert_drawn, stderr, stdout};

#[test]
fn an_image_of_integers_is_nearly_that_of_numbers_and_says_so() {
    let run = Run::new();
    let tiny = TinyModel::new(Kind::Conventional(Family::Sd1));
    let converted = run.sd(&["convert", tiny.path().to_str().unwrap(), "small.gguf", "--quantize", "q8_0"]);
    assert!(converted.status.success(), "{}", stderr(&converted));
    let model = run.path("small.gguf");
    let draw = |file: &str, flags: &[&str]| {
        assert_drawn(&run.generate_with(&model, &[&["--output", file], flags].concat()));
    };
    draw("numbers.png", &["--seed", "1"]);
    draw("integers.png", &["--seed", "1", "--int8"]);
    let [numbers, integers] = ["numbers.png", "integers.png"].map(|file| run.image(file));
    let apart = numbers.rgb.iter().zip(&integers.rgb).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>();
    assert!((0.001..8.0).contains(&(apart / numbers.rgb.len() as f64)), "{apart}");
    // The second image of two is that of the second seed, drawn alone or beside another.
    draw("two.png", &["--seed", "1", "--int8", "--count", "2"]);
    draw("alone.png", &["--int8", "--seed", "2"]);
    assert!(run.image("two-1.png") == run.image("alone.png") && run.image("two-0.png") == integers);

    let record = |file: &str| {
        let info: Value = serde_json::from_slice(&run.sd(&["info", file, "--json"]).stdout).unwrap();
        info["record"]["int8"].clone()
    };
    assert_eq!([record("numbers.png"), record("integers.png")], [Value::Null, Value::Bool(true)]);
    let again = |flags: &[&str]| {
        let model = ["reproduce", "integers.png", "--check", "--model", "small.gguf"];
        run.sd(&[&model, flags].concat())
    };
    assert!(again(&["--int8"]).status.success(), "{}", stderr(&again(&["--int8"])));
    assert!(stdout(&again(&[])).contains("int8: true, now false"), "{}", stdout(&again(&[])));

    let planned = run.generate_with(&model, &["--int8", "--dry-run"]);
    assert!(stdout(&planned).contains(" % of the weights are multiplied as integers"), "{}", stdout(&planned));
}

#[test]
fn integers_need_weights_of_8_bits() {
    let output = Run::new().generate_with(MODEL.path(), &["--int8"]);
    let error = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.starts_with("error: --int8 needs linear layers with weights in q8_0, and "), "{error}");
    assert!(error.contains("sd convert --quantize q8_0") && error.lines().count() == 1, "{error}");
}
