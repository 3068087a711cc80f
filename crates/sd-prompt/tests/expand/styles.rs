use std::fs;

use sd_prompt::{Style, StyleError, Styles};

fn style(prompt: &str, negative_prompt: &str) -> Style {
    Style { name: "x".into(), prompt: prompt.into(), negative_prompt: negative_prompt.into() }
}

/// The rules of AUTOMATIC1111's `merge_prompts`.
#[test]
fn prompts_are_merged_as_in_automatic1111() {
    for (style_prompt, prompt, merged) in [
        ("oil", "a cat", "a cat, oil"),
        (" oil ", "a cat, ", "a cat,, oil"),
        ("", " a cat ", "a cat"),
        ("oil", "  ", "oil"),
        ("", "", ""),
        ("oil of {prompt}, thick", "a cat", "oil of a cat, thick"),
        ("{prompt} and {prompt}", " a {x} ", " a {x}  and  a {x} "),
        ("{prompt}, oil", "", ", oil"),
        ("{Prompt}", "a", "a, {Prompt}"),
    ] {
        assert_eq!(style(style_prompt, "").apply(prompt, None), (merged.into(), None));
        let (_, negative_prompt) = style("", style_prompt).apply("", Some(prompt));
        assert_eq!(negative_prompt.unwrap(), merged);
    }
}

#[test]
fn negative_prompts_are_there_if_the_style_or_the_caller_has_one() {
    assert_eq!(style("a", "").apply("", None).1, None);
    assert_eq!(style("a", "").apply("", Some("")).1.unwrap(), "");
    assert_eq!(style("a", "b").apply("", None).1.unwrap(), "b");
    assert_eq!(style("a", "no {prompt}").apply("", Some("dogs")).1.unwrap(), "no dogs");
}

fn read(text: &[u8]) -> Result<Styles, StyleError> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("styles.csv");
    fs::write(&file, text).unwrap();
    Styles::read(&file)
}

#[test]
fn unknown_styles_name_those_that_there_are() {
    let styles = read(b"name,prompt\nOil,x\nInk,y\n").unwrap();
    let error = styles.get("oil").unwrap_err();
    assert!(error.to_string().ends_with("styles.csv: no style is called `oil`; there are: Oil, Ink"), "{error}");
    assert!(error.is_usage());
}

#[test]
fn columns_are_found_by_their_names() {
    let styles = read(b"negative_prompt,extra,text,name\nn,e,p,Old\n,,,\n").unwrap();
    assert!(styles.names().eq(["Old"]));
    assert_eq!(styles.get("Old").unwrap().apply("a", None), ("a, p".into(), Some("n".into())));
}

#[test]
fn other_files_are_errors() {
    let message = |text: &[u8]| read(text).unwrap_err().to_string();
    let found = message(b"title,words\nOil,x\n");
    assert!(found.ends_with("the first line is \"title,words\", expected name,prompt,negative_prompt"), "{found}");
    assert!(message(b"").contains("the first line is \"\""));
    assert!(message(b"name,prompt\n\xff,x\n").ends_with("the text is not UTF-8; save it as UTF-8"));
    let error = Styles::read("no/styles.csv").unwrap_err();
    assert!(error.to_string().starts_with("no/styles.csv: ") && !error.is_usage(), "{error}");
}

#[test]
fn a_file_without_an_end_of_quotes_is_read_to_its_end() {
    let styles = read(b"name,prompt\nOil,\"x, y\nz").unwrap();
    assert_eq!(styles.get("Oil").unwrap().prompt, "x, y\nz");
}
