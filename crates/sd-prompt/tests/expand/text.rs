//! What is no syntax stays as it is.

use sd_prompt::{Template, Wildcards};

use crate::all;

#[test]
fn prompts_of_automatic1111_are_unchanged() {
    for text in [
        "",
        " a  cat\n",
        "a (red:1.2) ((house)) [barn] by the [sea:lake:0.5] [day|night], \\(sunset\\) BREAK fog AND rain :1.1",
        "<lora:calm:0.8> <lora:my__own__style_v2:1>, <hypernet:x_y:0.5>",
        "snake__case, foo__bar baz__qux, x__y__z, __, ____, ___ and ___",
        ">_<, o_o, -__-, ^_^ | a -__- b -__- c",
        "100%, $5, 50%, a $$ b, a::b, 2$$a|b, #1, a // b /* c */",
        "bra}ce, }}, {a|b, {{{",
        "日本の家, ürümqi ⛰, e\u{301}",
        "__a|b__, __a:1.2__, __ a__, __a __, __a\nb__, __(a)__, __a(b)__, __a,b__",
    ] {
        assert_eq!(all(text), [text]);
    }
}

#[test]
fn closed_braces_inside_unclosed_ones_are_choices() {
    assert_eq!(all("{a|{b|c}"), ["{a|b", "{a|c"]);
    assert_eq!(all("{{a|b}|"), ["{a|", "{b|"]);
    assert_eq!(all("{a|b}}|c"), ["a}|c", "b}|c"]);
    assert_eq!(all("}{a|b}{"), ["}a{", "}b{"]);
    assert_eq!(
        all("my__{a|b}__name, {x__|__y}"),
        ["my__a__name, x__", "my__a__name, __y", "my__b__name, x__", "my__b__name, __y"]
    );
}

/// Dynamic Prompts refuses these.
#[test]
fn signs_of_the_syntax_are_text_where_it_does_not_ask_for_them() {
    assert_eq!(all("{$5|100%|#1}"), ["$5", "100%", "#1"]);
    assert_eq!(all("${5|10}"), ["$5", "$10"]);
    assert_eq!(all("100%{a|b}"), ["100%a", "100%b"]);
    assert_eq!(all("{a$$b|c}"), ["a$$b", "c"]);
    assert_eq!(all("{2 $$a|b}"), ["2 $$a", "b"]);
    assert_eq!(all("{-$$a|b}"), ["-$$a", "b"]);
    assert_eq!(all("{1-2-3$$a|b}"), ["1-2-3$$a", "b"]);
    assert_eq!(all("{-0.5::a|b}"), ["-0.5::a", "b"]);
    assert_eq!(all("{1.2.3::a|.::b|::c}"), ["1.2.3::a", ".::b", "::c"]);
    let infinite = "9".repeat(400);
    assert_eq!(all(&format!("{{{infinite}::a|b}}")), [format!("{infinite}::a"), "b".into()]);
}

#[test]
fn separators_may_be_empty_and_have_any_letters() {
    assert_eq!(all("{2$$$$a|b}"), ["ab", "ba"]);
    assert_eq!(all("{2$$、$$a|b}"), ["a、b", "b、a"]);
    assert_eq!(all("{2$$\n$$a|b}"), ["a\nb", "b\na"]);
    assert_eq!(all("{2$$|$$a|b}"), ["a|b", "b|a"]);
}

#[test]
fn counts_beyond_all_numbers_mean_all_options() {
    let many = "9".repeat(100);
    assert_eq!(all(&format!("{{{many}$$a|b}}")), ["a,b", "b,a"]);
    assert_eq!(all(&format!("{{0-{many}$$a}}")), ["", "a"]);
}

#[test]
fn wildcards_may_touch_words_on_one_side() {
    for text in ["__a__", "x__a__", "__a__x", "x __a__ y", "(__a__:1.2)", "__a____b__", "{x|__a__}", "__~a__"] {
        let error = Template::parse(text).count(&Wildcards::none()).unwrap_err();
        assert!(error.to_string().starts_with("`__a__`: a wildcard needs a folder"), "{text}: {error}");
    }
}
