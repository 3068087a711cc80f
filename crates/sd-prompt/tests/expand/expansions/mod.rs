//! `expansions.json` and `styles.json` are made by `make.py`.

use std::path::Path;

use sd_prompt::{Styles, Template, Wildcards};

use crate::all_with;

/// The folder of the wildcards and styles.
const INPUTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/expand");

fn expected<T: serde::de::DeserializeOwned>(name: &str) -> T {
    serde_json::from_slice(&std::fs::read(Path::new(INPUTS).join("expansions").join(name)).unwrap()).unwrap()
}

#[test]
fn all_lists_the_texts_of_dynamic_prompts_in_its_order() {
    let wildcards = Wildcards::in_folder(Path::new(INPUTS).join("wildcards")).unwrap();
    let cases: Vec<(String, Vec<String>)> = expected("expansions.json");
    assert!(cases.len() > 80, "{}", cases.len());
    for (text, expected) in cases {
        let mut found = all_with(&text, &wildcards).unwrap();
        assert_eq!(Template::parse(&text).count(&wildcards).unwrap(), found.len() as u128, "{text}");
        // Dynamic Prompts leaves out repeated parts of braces.
        if found != expected {
            let mut seen = std::collections::HashSet::new();
            found.retain(|text| seen.insert(text.clone()));
        }
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn styles_are_read_as_python_reads_them() {
    let styles = Styles::read(Path::new(INPUTS).join("styles.csv")).unwrap();
    let expected: Vec<[String; 3]> = expected("styles.json");
    assert!(styles.names().eq(expected.iter().map(|[name, ..]| name)));
    for [name, prompt, negative_prompt] in expected {
        let style = styles.get(&name).unwrap();
        assert_eq!((&style.prompt, &style.negative_prompt), (&prompt, &negative_prompt), "{name}");
    }
}
