use sd_prompt::{ExpandError, Template, Wildcards};

use crate::{folder, wildcards};

/// The error of drawing, which counting and listing have too.
#[track_caller]
fn error(text: &str, wildcards: &Wildcards) -> ExpandError {
    let template = Template::parse(text);
    let error = template.draw(0, wildcards).unwrap_err();
    assert_eq!(template.count(wildcards).unwrap_err().to_string(), error.to_string());
    let mut all = template.all(wildcards);
    assert_eq!(all.next().unwrap().unwrap_err().to_string(), error.to_string());
    assert!(all.next().is_none());
    error
}

#[test]
fn wildcards_without_a_folder_ask_for_one() {
    let error = error("a __colour__ house", &Wildcards::none());
    assert!(matches!(&error, ExpandError::NoFolder { name, .. } if name == "colour"), "{error:?}");
    assert!(error.to_string().contains("`wildcards`") && error.is_usage(), "{error}");
}

#[test]
fn unknown_wildcards_name_those_that_there_are() {
    let (_folder, wildcards) = wildcards(&[("colours.txt", "red"), ("sub/b.txt", "__color__"), ("sub/a.txt", "x")]);
    let message = error("__colour__", &wildcards).to_string();
    assert!(message.starts_with("`__colour__`: no such wildcard in "), "{message}");
    assert!(message.ends_with("; there are: colours, sub/a, sub/b"), "{message}");
    assert!(error("__col/*__", &wildcards).is_usage());
    let message = error("__sub/*__", &wildcards).to_string();
    assert!(message.starts_with("`__color__` (in `__sub/*__`): no such wildcard"), "{message}");
}

#[test]
fn wildcards_that_contain_themselves_are_errors_whatever_the_seed() {
    let files = [("a.txt", "x\ny\nz __b__"), ("b.txt", "y\n{x|__c__}"), ("c.txt", "x\n__a__")];
    let (_folder, wildcards) = wildcards(&files);
    let found = error("{__b__|x}", &wildcards);
    assert!(matches!(&found, ExpandError::Recursive { names } if names == &["b", "c", "a", "b"]), "{found:?}");
    assert_eq!(found.to_string(), "`__b__` → `__c__` → `__a__` → `__b__`: the wildcard contains itself");
    let found = error("__*__", &wildcards);
    assert!(matches!(found, ExpandError::Recursive { .. }), "{found:?}");
    for seed in 0..100 {
        assert!(Template::parse("__a__").draw(seed, &wildcards).is_err());
    }
}

#[test]
fn wildcards_stay_in_their_folder() {
    let outside = folder(&[("secret.txt", "secret"), ("in/a.txt", "a")]);
    let wildcards = Wildcards::in_folder(outside.path().join("in")).unwrap();
    for name in ["../secret", "sub/../../secret", "..\\secret", "../*", "/../secret"] {
        let found = error(&format!("__{name}__"), &wildcards);
        assert!(matches!(found, ExpandError::Outside { .. }), "{found:?}");
    }
    let absolute = outside.path().join("secret");
    let found = error(&format!("__{}__", absolute.display()), &wildcards);
    assert!(matches!(found, ExpandError::Unknown { .. }), "{found:?}");
    assert_eq!(Template::parse("__*__").count(&wildcards).unwrap(), 1);
}

#[test]
fn files_without_entries_are_errors() {
    let (_folder, wildcards) = wildcards(&[("empty.txt", "\n# nothing\n \n")]);
    let found = error("__empty__", &wildcards);
    assert_eq!(found.to_string(), "`__empty__` has no entries; write one per line");
    assert!(!found.is_usage());
}

#[test]
fn files_that_are_not_utf8_are_named() {
    let folder = folder(&[]);
    std::fs::write(folder.path().join("latin1.txt"), b"gr\xfcn").unwrap();
    let wildcards = Wildcards::in_folder(folder.path()).unwrap();
    let found = error("__latin1__", &wildcards);
    assert!(found.to_string().ends_with("latin1.txt: the text is not UTF-8; save it as UTF-8"), "{found}");
}

#[test]
fn missing_folders_are_named() {
    let found = Wildcards::in_folder("no/such/folder").unwrap_err();
    assert!(found.to_string().starts_with("no/such/folder: ") && !found.is_usage(), "{found}");
}

#[test]
fn unsupported_syntax_is_an_error_and_not_text() {
    let none = Wildcards::none();
    for text in [
        "${season}",
        "${season=!{a|b}}",
        "${ a ?= b}",
        "${a:b}",
        "%{x ... y$$z}",
        "__file(a=b)__",
        "__dir/{a|b}__",
        "__{a|b}__",
        "__a}{b__",
    ] {
        let found = error(&format!("{{x {text} y}}"), &none).to_string();
        assert!(found.starts_with(&format!("`{text}`: this syntax of Dynamic Prompts is not supported;")), "{found}");
    }
}

#[test]
fn deep_nesting_is_an_error_and_not_a_crash() {
    let none = Wildcards::none();
    let nested = |depth: usize| format!("{}x{}", "{".repeat(depth), "}".repeat(depth));
    assert_eq!(Template::parse(&nested(100)).draw(0, &none).unwrap(), "x");
    for depth in [101, 100_000] {
        let found = error(&nested(depth), &none);
        assert!(matches!(found, ExpandError::TooDeep), "{found:?}");
    }
    for text in ["{".repeat(100_000), "}".repeat(100_000), "{|".repeat(100_000), "_".repeat(100_000)] {
        assert_eq!(Template::parse(&text).draw(0, &none).unwrap(), text);
    }
}

#[test]
fn wildcards_count_as_nesting() {
    let chain: Vec<(String, String)> = (0..200)
        .map(|i| (format!("w{i}.txt"), format!("__w{}__", i + 1)))
        .chain([("w200.txt".into(), "x".into())])
        .collect();
    let chain: Vec<(&str, &str)> = chain.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let (_folder, wildcards) = wildcards(&chain);
    let draw = |text: &str| Template::parse(text).draw(0, &wildcards);
    assert_eq!(draw("__w101__").unwrap(), "x");
    assert!(matches!(draw("__w100__"), Err(ExpandError::TooDeep)));
    // The second time, too, when the wildcard is known already.
    assert!(matches!(draw("__w101__{__w101__|}"), Err(ExpandError::TooDeep)));
}

/// 2⁴⁰ letters, and 2⁴⁰ times nothing.
#[test]
fn texts_without_bounds_are_errors() {
    for end in ["x", "{}"] {
        let chain: Vec<(String, String)> = (0..40)
            .map(|i| (format!("w{i}.txt"), format!("__w{0}____w{0}__", i + 1)))
            .chain([("w40.txt".into(), end.into())])
            .collect();
        let chain: Vec<(&str, &str)> = chain.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        let (_folder, wildcards) = wildcards(&chain);
        let template = Template::parse("__w0__");
        assert!(matches!(template.draw(0, &wildcards), Err(ExpandError::TooLong)));
        let mut all = template.all(&wildcards);
        assert!(matches!(all.next(), Some(Err(ExpandError::TooLong))));
        assert!(all.next().is_none());
    }
}
