use sd_prompt::{Template, Wildcards};

use crate::wildcards;

#[test]
fn of_a_million_million_combinations_only_those_taken_are_made() {
    let none = Wildcards::none();
    let template = Template::parse(&"{0|1|2|3|4|5|6|7|8|9}".repeat(12));
    assert_eq!(template.count(&none).unwrap(), 1_000_000_000_000);
    let first: Vec<String> = template.all(&none).take(1001).map(Result::unwrap).collect();
    assert_eq!(first[0], "000000000000");
    assert_eq!(first[1], "000000000001");
    assert_eq!(first[1000], "000000001000");
}

#[test]
fn counts_beyond_all_numbers_saturate() {
    let none = Wildcards::none();
    let options: Vec<String> = (0..100).map(|option| option.to_string()).collect();
    let template = Template::parse(&format!("{{1-$${}}}", options.join("|")));
    assert_eq!(template.count(&none).unwrap(), u128::MAX);
    assert_eq!(template.all(&none).nth(100).unwrap().unwrap(), "0,1");
    let template = Template::parse(&"{a|b}".repeat(127));
    assert_eq!(template.count(&none).unwrap(), 1 << 127);
    let template = Template::parse(&"{a|b}".repeat(128));
    assert_eq!(template.count(&none).unwrap(), u128::MAX);
}

/// Each file mentions the next one ten times on ten lines: 10¹⁰ paths lead through them.
#[test]
fn a_wildcard_that_many_entries_ask_for_is_counted_once() {
    let mut files: Vec<(String, String)> = Vec::new();
    for level in 0..10 {
        let lines = (0..10).map(|line| format!("{line}__level{}__\n", level + 1));
        files.push((format!("level{level}.txt"), lines.collect()));
    }
    files.push(("level10.txt".into(), "end".into()));
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let (_folder, wildcards) = wildcards(&files);
    let template = Template::parse("__level0__");
    assert_eq!(template.count(&wildcards).unwrap(), 10_u128.pow(10));
    assert_eq!(template.all(&wildcards).nth(12).unwrap().unwrap(), "0000000012end");
}
