//! The published examples of AUTOMATIC1111's parser and what its grammar gives for a few more.

use super::*;

fn texts(text: &str) -> Vec<(usize, String)> {
    Schedule::parse(text).texts(Pass { steps: 10, done: 0, passes: 0 })
}

#[track_caller]
fn assert_texts(text: &str, wanted: &[(usize, &str)]) {
    let wanted: Vec<_> = wanted.iter().map(|(end, text)| (*end, (*text).to_owned())).collect();
    assert_eq!(texts(text), wanted, "{text}");
}

#[test]
fn schedules_switch_at_a_step_or_a_fraction() {
    assert_texts("test", &[(10, "test")]);
    assert_texts("a [b:3]", &[(3, "a "), (10, "a b")]);
    assert_texts("a [b: 3]", &[(3, "a "), (10, "a b")]);
    assert_texts("a [b:3 ]", &[(3, "a "), (10, "a b")]);
    assert_texts("a [b : c : 1] d", &[(1, "a b  d"), (10, "a  c  d")]);
    assert_texts("a [b:.5] c", &[(5, "a  c"), (10, "a b c")]);
    assert_texts("a [b::.25]", &[(2, "a b"), (10, "a ")]);
    assert_texts("a [:b:1e0]", &[(1, "a "), (10, "a b")]);
    assert_texts("[a:b:0]", &[(10, "b")]);
    assert_texts("[a:b:-3]", &[(10, "b")]);
    assert_texts("[a:b:50]", &[(10, "a")]);
}

#[test]
fn the_published_landscape_changes_four_times() {
    let text = "fantasy landscape with a [mountain:lake:0.25] and [an oak:a christmas tree:0.75][ in foreground::0.6]\
                [: in background:0.25] [shoddy:masterful:0.5]";
    let pass = Pass { steps: 100, done: 0, passes: 0 };
    let wanted = [
        (25, "fantasy landscape with a mountain and an oak in foreground shoddy"),
        (50, "fantasy landscape with a lake and an oak in foreground in background shoddy"),
        (60, "fantasy landscape with a lake and an oak in foreground in background masterful"),
        (75, "fantasy landscape with a lake and an oak in background masterful"),
        (100, "fantasy landscape with a lake and a christmas tree in background masterful"),
    ];
    assert_eq!(Schedule::parse(text).texts(pass), wanted.map(|(end, text)| (end, text.to_owned())));
}

#[test]
fn schedules_nest_and_keep_the_emphasis_inside() {
    assert_texts("a [[[b]]:2]", &[(2, "a "), (10, "a [[b]]")]);
    assert_texts("[(a:2):3]", &[(3, ""), (10, "(a:2)")]);
    assert_texts("a[b:[c:d:2]:1]e", &[(1, "abe"), (2, "ace"), (10, "ade")]);
    assert_texts(
        "[[a|b]:c:2]",
        &[(1, "a"), (2, "b")].into_iter().chain((3..=10).map(|end| (end, "c"))).collect::<Vec<_>>(),
    );
}

#[test]
fn what_is_no_schedule_is_text() {
    assert_texts("a [unbalanced", &[(10, "a [unbalanced")]);
    assert_texts("((a][:b:c [d:3]", &[(3, "((a][:b:c "), (10, "((a][:b:c d")]);
    for text in ["", "[a:b]", "[a:b:c:3]", "[(a:b:c):3]", "[a):3]", "[a:3 4]", "[a:inf]", "[a:(3)]", r"[a\:3]"] {
        assert_texts(text, &[(10, text)]);
    }
}

#[test]
fn a_stray_bar_or_backslash_makes_text_of_everything() {
    for text in ["a | [b:3]", "[b:3] (a|b)", "[a|b:3]", "a [{b|d{:.5] c", "[a|[b:3]", "[b:3]\\", "[b:3]\\\n"] {
        assert_texts(text, &[(10, text)]);
    }
}

#[test]
fn alternatives_take_turns() {
    let turns = |options: &[&str]| -> Vec<_> {
        (1..=10).map(|end| (end, options[(end - 1) % options.len()].to_owned())).collect()
    };
    assert_eq!(texts("[a|(b:1.1)]"), turns(&["a", "(b:1.1)"]));
    assert_eq!(texts("[fe|]male"), turns(&["female", "male"]));
    assert_eq!(texts("[fe|||]male"), turns(&["female", "male", "male", "male"]));
}

#[test]
fn a_further_pass_counts_on() {
    let further = |text: &str| Schedule::parse(text).texts(Pass { steps: 10, done: 10, passes: 1 });
    assert_eq!(further("a [b:.5] c"), [(10, "a b c".to_owned())]);
    assert_eq!(further("a [b:1.5] c"), [(5, "a  c".to_owned()), (10, "a b c".to_owned())]);
    assert_eq!(further("a [b:5] c"), [(10, "a b c".to_owned())]);
    assert_eq!(further("a [b:13] c"), [(3, "a  c".to_owned()), (10, "a b c".to_owned())]);
}

#[test]
fn schedules_beyond_the_steps_are_listed() {
    let schedule = Schedule::parse("[a:8] [b:c:9] [[d:1.5]:e:0.8] [f:2.5]");
    assert_eq!(schedule.beyond(&[10]), ["[b:c:9]", "[d:1.5]", "[f:2.5]"]);
    assert_eq!(schedule.beyond(&[10, 5]), ["[f:2.5]"]);
}
