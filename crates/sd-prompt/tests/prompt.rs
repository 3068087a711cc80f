//! Tags and parts of a prompt.

use sd_prompt::{Fragment, LoraTag, Prompt, Syntax};

#[track_caller]
fn assert_parts(prompt: &str, wanted: &[(&str, f64)]) {
    let parts = Prompt::parse(prompt, Syntax::A1111).parts;
    let parts: Vec<_> = parts.iter().map(|part| (part.text.as_str(), part.weight)).collect();
    assert_eq!(parts, wanted, "{prompt:?}");
}

#[test]
fn a_capital_and_splits_a_prompt() {
    assert_parts("", &[("", 1.0)]);
    assert_parts("a cat", &[("a cat", 1.0)]);
    assert_parts("a cat AND a dog", &[("a cat", 1.0), (" a dog", 1.0)]);
    assert_parts("a cat :1.2 AND a dog AND a penguin :2.2", &[("a cat", 1.2), (" a dog", 1.0), (" a penguin", 2.2)]);
    assert_parts("AND AND", &[("", 1.0), ("", 1.0), ("", 1.0)]);
    assert_parts("a and b ANDROID LAND x_AND (AND)", &[("a and b ANDROID LAND x_AND (", 1.0), (")", 1.0)]);
}

#[test]
fn a_part_may_end_with_its_weight() {
    assert_parts("a\nb : -.5 \n", &[("a\nb", -0.5)]);
    assert_parts("a:1:2.", &[("a:1", 2.0)]);
    assert_parts(":2", &[("", 2.0)]);
    for text in ["a:", "a:x", "a:1e3", "a:1.2.3", "a:.", "a:- 1", "a:1 2", "(a:1.2)", "[a:b:3]", "a:inf"] {
        assert_parts(text, &[(text, 1.0)]);
    }
}

#[test]
fn tags_leave_the_text_before_it_is_split() {
    let prompt = Prompt::parse("ink <lora:ink:0.8:0.6> AND cat<hypernet:h:1><lyco:c>:2", Syntax::A1111);
    let lora =
        |name: &str, text_encoder_weight, unet_weight| LoraTag { name: name.into(), unet_weight, text_encoder_weight };
    assert_eq!(prompt.loras, [lora("ink", 0.8, 0.6), lora("c", 1.0, 1.0)]);
    assert_eq!(prompt.ignored, ["<hypernet:h:1>"]);
    let parts: Vec<_> = prompt.parts.iter().map(|part| (part.text.as_str(), part.weight)).collect();
    assert_eq!(parts, [("ink", 1.0), (" cat", 2.0)]);
}

#[test]
fn other_syntaxes_and_negative_prompts_are_one_part() {
    let text = "<lora:a:1> b AND [c:d:3]:2 ";
    for prompt in [
        Prompt::parse(text, Syntax::Comfy),
        Prompt::parse(text, Syntax::Plain),
        Prompt::parse_negative(text, Syntax::A1111),
    ] {
        assert!(prompt.loras.is_empty() && prompt.ignored.is_empty() && prompt.parts.len() == 1);
        assert_eq!((prompt.parts[0].text.as_str(), prompt.parts[0].weight), (text, 1.0));
    }
}

#[test]
fn phases_switch_the_text_that_the_encoders_see() {
    let [part] = &Prompt::parse("a [cat:(dog:1.2):.5]", Syntax::A1111).parts[..] else { panic!("one part") };
    let phases = part.phases(20);
    assert_eq!(phases.iter().map(|phase| phase.last).collect::<Vec<_>>(), [10, 20]);
    assert!(phases[0].text.is_plain());
    let words = |text: &str, weight| Fragment::Words { text: text.to_owned(), weight };
    assert_eq!(phases[1].text.fragments, [words("a ", 1.0), words("dog", 1.2)]);
    assert_eq!(part.phases_of_second_pass(10, 20).len(), 1);

    let comfy = &Prompt::parse("a [cat:dog:50]", Syntax::Comfy).parts[0];
    assert_eq!((comfy.phases(20).len(), comfy.beyond(&[20]).len()), (1, 0));
    let late = &Prompt::parse("a [cat:dog:50]", Syntax::A1111).parts[0];
    assert_eq!(late.beyond(&[20]), ["[cat:dog:50]"]);
}
