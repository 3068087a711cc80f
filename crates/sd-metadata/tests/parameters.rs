//! AUTOMATIC1111's text, written and read.

use sd_metadata::Parameters;

fn fields(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
}

const SETTINGS: &[(&str, &str)] = &[("Steps", "20"), ("Sampler", "Euler a"), ("CFG scale", "7")];

#[test]
fn a_text_is_written_as_the_web_ui_writes_it() {
    let mut parameters = Parameters {
        prompt: "a house, (old:1.2)\nby the sea".into(),
        negative_prompt: "rain".into(),
        fields: fields(SETTINGS),
    };
    parameters.set("Lora hashes", "one: 1a2b, two: 3c4d");
    parameters.set("Version", "v1.10.0");
    assert_eq!(
        parameters.to_string(),
        "a house, (old:1.2)\nby the sea\nNegative prompt: rain\n\
         Steps: 20, Sampler: Euler a, CFG scale: 7, Lora hashes: \"one: 1a2b, two: 3c4d\", Version: v1.10.0"
    );
}

#[test]
fn without_prompts_the_text_begins_with_the_settings() {
    let parameters = Parameters { fields: fields(SETTINGS), ..Parameters::default() };
    assert_eq!(parameters.to_string(), "Steps: 20, Sampler: Euler a, CFG scale: 7");
    assert_eq!(Parameters::parse(&parameters.to_string()), parameters);
    let negative = Parameters { negative_prompt: "rain".into(), ..parameters };
    assert!(negative.to_string().starts_with("Negative prompt: rain\nSteps: "));
}

#[test]
fn a_prompt_may_look_like_settings_or_have_none() {
    let parsed = Parameters::parse("Steps: many, Sampler: none, Seed: 5\nSteps: 4, Sampler: DDIM, Seed: 6");
    assert_eq!(parsed.prompt, "Steps: many, Sampler: none, Seed: 5");
    assert_eq!(parsed.get("Seed"), Some("6"));
    // Two pairs are a prompt's.
    let parsed = Parameters::parse("a sign: \"open\", a clock: noon");
    assert_eq!(parsed, Parameters { prompt: "a sign: \"open\", a clock: noon".into(), ..Parameters::default() });
}

#[test]
fn values_are_read_with_their_quotes_and_lists() {
    let line = r#"Steps: 20, Sampler: "a \"b\", c: d", Odd: "x"y, Hashes: {"model": "1a", "vae": "2b"}, Empty: , Size: 512x768"#;
    let want = [
        ("Steps", "20"),
        ("Sampler", "a \"b\", c: d"),
        ("Odd", "\"x\"y"),
        ("Hashes", r#"{"model": "1a", "vae": "2b"}"#),
        ("Empty", ""),
        ("Size", "512x768"),
    ];
    assert_eq!(Parameters::parse(line).fields, fields(&want));
}

#[test]
fn settings_keep_their_order_whatever_the_order_of_the_calls() {
    let ordered = [
        "Steps",
        "Sampler",
        "Schedule type",
        "CFG scale",
        "Seed",
        "Size",
        "Model hash",
        "Model",
        "VAE hash",
        "VAE",
        "Variation seed",
        "Denoising strength",
        "Clip skip",
        "ENSD",
        "RNG",
        "ControlNet 0",
        "ControlNet 2",
        "ControlNet 10",
        "Hires upscale",
        "Hires steps",
        "Hires upscaler",
        "Lora hashes",
        "TI hashes",
        "Refiner",
        "Refiner switch at",
        "Something else",
        "Version",
    ];
    let mut state = 1;
    for _ in 0..100 {
        let (mut parameters, mut left) = (Parameters::default(), ordered.to_vec());
        while !left.is_empty() {
            parameters.set(left.remove(random(&mut state) % left.len()), 1);
        }
        let found: Vec<_> = parameters.fields.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(found, ordered);
    }
}

#[test]
fn a_setting_is_replaced_at_its_place() {
    let mut parameters = Parameters { fields: fields(SETTINGS), ..Parameters::default() };
    parameters.set("Steps", 30);
    assert_eq!(parameters.fields[0], ("Steps".into(), "30".into()));
    assert_eq!(parameters.fields.len(), 3);
}

/// A generator of numbers: xorshift.
fn random(state: &mut u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state >> 11) as usize
}

fn text(state: &mut u64, pieces: &[&str]) -> String {
    (0..random(state) % 8).map(|_| pieces[random(state) % pieces.len()]).collect()
}

const PIECES: &[&str] = &[
    "a",
    "Ü",
    "光",
    "😀",
    " ",
    ",",
    ":",
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    "/",
    "-",
    "_",
    "\t",
    "\r",
    "\u{0}",
    "\u{1f}",
    "\u{7f}",
    "\u{a0}",
    "\u{2028}",
    "Steps: 1, Sampler: x, Seed: 2",
    "Negative prompt:",
    "\\n",
    "1.5x2",
    "<lora:a:1>",
    "(b:1.2)",
];

#[test]
fn what_is_written_is_read_again() {
    let mut state = 7;
    let keys = ["Steps", "Sampler", "CFG scale", "a-b/c", "x_1", "Größe", "ControlNet 3", "No"];
    for _ in 0..20_000 {
        // Of prompts, the web UI's text keeps all but the space around lines, and lines that begin the negative prompt.
        let prompt = |state: &mut u64| {
            let lines: Vec<_> = (0..random(state) % 4).map(|_| text(state, PIECES).trim().to_string()).collect();
            let lines = lines.into_iter().filter(|line| !line.starts_with("Negative prompt:"));
            lines.collect::<Vec<_>>().join("\n").trim().to_string()
        };
        let (prompt, negative_prompt) = (prompt(&mut state), prompt(&mut state));
        let values = [PIECES, &["\n"]].concat();
        let count = 3 + random(&mut state) % 6;
        let fields = (0..count).map(|i| (keys[i].to_string(), text(&mut state, &values))).collect();
        let parameters = Parameters { prompt, negative_prompt, fields };
        assert_eq!(Parameters::parse(&parameters.to_string()), parameters, "{parameters}");
    }
}

#[test]
fn any_text_is_read_and_written_without_change_the_second_time() {
    let mut state = 3;
    let pieces = [PIECES, &["\n", "\n", "Steps: 20, Sampler: y, Size: 8x8", "Key: "]].concat();
    for _ in 0..20_000 {
        let text: String = (0..4).map(|_| text(&mut state, &pieces)).collect();
        let once = Parameters::parse(&text);
        if once.fields.is_empty() {
            continue;
        }
        assert_eq!(Parameters::parse(&once.to_string()), once, "{text:?}");
    }
}

#[test]
fn a_long_line_is_read_in_linear_time() {
    for piece in ["word ", "a: ", "\"a: ", "[[", "{\"a\":", "::", ", "] {
        let line = piece.repeat(200_000);
        Parameters::parse(&line);
    }
}
