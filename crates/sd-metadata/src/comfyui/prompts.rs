//! From a sampler to the texts of its prompts.

use super::graph::Node;

/// The text behind a link, if it is one text.
///
/// `which` is the input that leads on from nodes that change both prompts: `positive` or `negative`.
pub fn text(link: (Node, u64), unclear: &mut Vec<String>) -> Option<String> {
    let mut texts = Vec::new();
    let mut seen = Vec::new();
    let mut left = vec![link];
    while let Some((node, output)) = left.pop() {
        if seen.contains(&(node.id, output)) {
            continue;
        }
        seen.push((node.id, output));
        match node.class {
            "ConditioningZeroOut" => texts.push(String::new()),
            class if class.starts_with("CLIPTextEncode") => texts.extend(encoded(node, unclear)),
            class if class.contains("ConditioningCombine") || class.contains("ConditioningConcat") => {
                let parts = ["conditioning_1", "conditioning_2", "conditioning_to", "conditioning_from"];
                left.extend(parts.iter().rev().filter_map(|input| node.link(input)));
            }
            class => {
                // ControlNetApplyAdvanced and its like pass on both prompts, in this order.
                let which = if output == 0 { "positive" } else { "negative" };
                let next = node.link(which).or_else(|| node.link("conditioning"));
                unclear.push(match next {
                    Some(_) => format!("what {class} does to a prompt"),
                    None => format!("the prompt that {class} makes"),
                });
                left.extend(next);
            }
        }
    }
    if texts.len() > 1 && texts.iter().any(|text| *text != texts[0]) {
        unclear.push(format!("how {} prompts are combined; the first is taken", texts.len()));
    }
    texts.into_iter().next()
}

/// The text that a node encodes; XL's nodes have one for each text encoder.
fn encoded(node: Node, unclear: &mut Vec<String>) -> Option<String> {
    let texts: Vec<_> = ["text", "text_g", "text_l"].iter().filter_map(|input| node.text(input)).collect();
    match texts.as_slice() {
        [] => {
            unclear.push(format!("the text of {} {}", node.class, node.id));
            None
        }
        [first, others @ ..] => {
            if others.iter().any(|text| !text.is_empty() && text != first) {
                unclear.push("a text of its own for the second text encoder".into());
            }
            // The first may be empty where the second is not.
            let found = texts.iter().find(|text| !text.is_empty()).unwrap_or(first);
            Some(found.to_string())
        }
    }
}
