//! The published examples of both parsers, and what else their documentation promises.

use sd_prompt::{Fragment, Syntax, Text};

#[track_caller]
fn assert_weights(syntax: Syntax, text: &str, wanted: &[(&str, f64)]) {
    let wanted = wanted.iter().map(|(text, weight)| Fragment::Words { text: (*text).to_owned(), weight: *weight });
    assert_eq!(Text::parse(text, syntax).fragments, wanted.collect::<Vec<_>>(), "{text:?}");
}

#[track_caller]
fn assert_breaks(text: &str, wanted: &[&str]) {
    let text = Text::parse(text, Syntax::A1111);
    let listed = text.fragments.iter().map(|fragment| match fragment {
        Fragment::Words { text, .. } => text.as_str(),
        Fragment::Break => "|",
    });
    assert_eq!(listed.collect::<Vec<_>>(), wanted);
}

#[test]
fn automatic1111_multiplies_the_weights_of_nested_brackets() {
    let assert = |text, wanted: &[(&str, f64)]| assert_weights(Syntax::A1111, text, wanted);
    assert("normal text", &[("normal text", 1.0)]);
    assert("an (important) word", &[("an ", 1.0), ("important", 1.1), (" word", 1.0)]);
    assert("(unbalanced", &[("unbalanced", 1.1)]);
    assert(r"\(literal\]", &[("(literal]", 1.0)]);
    assert("(unnecessary)(parens)", &[("unnecessaryparens", 1.1)]);
    assert(
        "a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).",
        &[
            ("a ", 1.0),
            ("house", 1.573_000_000_000_000_4),
            (" ", 1.1),
            ("on", 1.0),
            (" a ", 1.1),
            ("hill", 0.55),
            (", sun, ", 1.1),
            ("sky", 1.464_100_000_000_000_6),
            (".", 1.1),
        ],
    );
}

#[test]
fn automatic1111_takes_as_text_what_is_no_weight() {
    let assert = |text, wanted: &[(&str, f64)]| assert_weights(Syntax::A1111, text, wanted);
    assert("", &[("", 1.0)]);
    assert("a) b] c:1.2)", &[("a) b] c:1.2)", 1.0)]);
    assert("(a: 1.5 )", &[("a", 1.5)]);
    assert("(a:b)", &[("a:b", 1.1)]);
    assert("(a:1.2.3)", &[("a:1.2.3", 1.1)]);
    assert("(a:.)", &[("a:.", 1.1)]);
    assert("(a:1e3)", &[("a:1e3", 1.1)]);
    assert(r"a\b\\c", &[(r"ab\c", 1.0)]);
}

#[test]
fn automatic1111_breaks_outside_brackets_only() {
    assert_breaks("a BREAK b", &["a", "|", "b"]);
    assert_breaks("a,\nBREAK BREAK b", &["a,", "|", "", "|", "b"]);
    assert_breaks("aBREAK BREAK_ break", &["aBREAK BREAK_ break"]);
    assert_weights(Syntax::A1111, "(a BREAK b)", &[("a", 1.1), ("BREAK", -1.1), ("b", 1.1)]);
}

#[test]
fn comfyui_replaces_the_weight_around_by_an_explicit_one() {
    let assert = |text, wanted: &[(&str, f64)]| assert_weights(Syntax::Comfy, text, wanted);
    assert("(foo)", &[("foo", 1.1)]);
    assert("(foo)(bar)", &[("foo", 1.1), ("bar", 1.1)]);
    assert("(foo:2.0)", &[("foo", 2.0)]);
    assert("((foo))", &[("foo", 1.1 * 1.1)]);
    assert("((foo):1.1)", &[("foo", 1.1 * 1.1)]);
    assert("((foo:1.1))", &[("foo", 1.1)]);
    assert("(foo:0.0)", &[("foo", 0.0)]);
    assert("((foo:1.0):0.0)", &[("foo", 1.0)]);
    let lol = 100.0 * 1.1;
    let inside = |weight| [("foo ", 1.0), ("lol ", weight), ("cat", 666.0), (" attack", weight), (" baz", 1.0)];
    assert("foo ((((lol (cat:666) attack:100)))) baz", &inside(100.0));
    assert("foo ((((lol (cat:666) attack):100))) baz", &inside(lol));
}

#[test]
fn comfyui_knows_round_brackets_only() {
    let assert = |text, wanted: &[(&str, f64)]| assert_weights(Syntax::Comfy, text, wanted);
    assert("", &[]);
    assert(r"[a] \(b\) BREAK", &[("[a] (b) BREAK", 1.0)]);
    assert("(a:b) (:2)", &[("a:b", 1.1), (" ", 1.0), (":2", 1.1)]);
    assert("(a:inf) (b:nan)", &[("a:inf", 1.1), (" ", 1.0), ("b:nan", 1.1)]);
    assert("a) (b) ((c))", &[("a) (b) (", 1.0), ("c", 1.1), (")", 1.0)]);
    assert("((a)", &[("(a", 1.1)]);
    assert("(a", &[("(a", 1.0)]);
}

#[test]
fn plain_text_has_no_syntax() {
    let text = r"((a:1.2)) [b|c] \( BREAK embedding:x";
    assert_weights(Syntax::Plain, text, &[(text, 1.0)]);
}

#[test]
fn text_is_plain_without_weights_and_breaks() {
    let is_plain = |text, syntax| Text::parse(text, syntax).is_plain();
    for syntax in Syntax::ALL {
        assert!(is_plain("", syntax) && is_plain(r"a cat, 4k", syntax));
        assert_eq!(is_plain("a (cat)", syntax), syntax == Syntax::Plain);
    }
    assert!(!is_plain("a BREAK b", Syntax::A1111) && is_plain("(a:1)", Syntax::A1111));
}

#[test]
fn embeddings_are_listed_and_stand_for_themselves() {
    let text = Text::parse("embedding:a, (embedding:b-c,:1.5) xembedding:d embedding: embedding:e<f", Syntax::Comfy);
    assert_eq!(text.embeddings(), ["a", "b-c", "e"]);
    let words = |text: &str, weight| Fragment::Words { text: text.to_owned(), weight };
    let bare = text.with_bare_embeddings();
    let wanted = [
        ("a", 1.0),
        (", ", 1.0),
        ("b-c", 1.5),
        (",", 1.5),
        (" xembedding:d embedding: ", 1.0),
        ("e", 1.0),
        ("<f", 1.0),
    ];
    assert_eq!(bare.fragments, wanted.map(|(text, weight)| words(text, weight)));

    let text = Text::parse("a BREAK (embedding:style:1.2)", Syntax::A1111);
    assert_eq!(text.embeddings(), ["style"]);
    let bare = text.with_bare_embeddings();
    assert_eq!(bare.fragments, [words("a", 1.0), Fragment::Break, words("", 1.0), words("style", 1.2)]);
    assert_eq!(bare.with_bare_embeddings(), bare);
}
