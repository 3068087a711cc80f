use crate::number::number;
use crate::words::is_word;

/// A LoRA that a prompt asks for: `<lora:name:weight>`.
#[derive(Clone, Debug, PartialEq)]
pub struct LoraTag {
    /// The name, usually that of a file without its extension.
    pub name: String,
    /// The factor on what the LoRA adds to the U-Net: the third argument or `unet=`. Default: the text encoders' weight.
    pub unet_weight: f64,
    /// The factor on what the LoRA adds to the text encoders: the second argument or `te=`. Default: 1.
    pub text_encoder_weight: f64,
}

/// What [`take`] finds in a prompt.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Tags {
    pub loras: Vec<LoraTag>,
    pub ignored: Vec<String>,
    /// The prompt without its tags.
    pub text: String,
}

/// Takes all tags `<kind:arguments>` out of a prompt (`modules/extra_networks.py`, `parse_prompt`).
pub(crate) fn take(prompt: &str) -> Tags {
    let mut tags = Tags::default();
    let mut rest = prompt;
    // Without a closing bracket there are no more tags; it is looked for once.
    let after_last = prompt.len() - prompt.rfind('>').unwrap_or(0);
    while let Some(at) = rest.find('<').filter(|at| rest.len() - at > after_last) {
        let (before, tag) = rest.split_at(at);
        tags.text.push_str(before);
        let Some((kind, arguments, length)) = tag_at_start(tag) else {
            tags.text.push('<');
            rest = &tag[1..];
            continue;
        };
        match lora(kind, arguments) {
            Some(lora) => tags.loras.push(lora),
            None => tags.ignored.push(tag[..length].to_owned()),
        }
        rest = &tag[length..];
    }
    tags.text.push_str(rest);
    tags
}

/// Splits `<kind:arguments>…` and returns the tag's length too.
fn tag_at_start(text: &str) -> Option<(&str, &str, usize)> {
    let kind = &text[1..];
    let (kind, rest) = kind.split_at(kind.find(|c| !is_word(c))?);
    let arguments = rest.strip_prefix(':').filter(|_| !kind.is_empty())?;
    let end = arguments.find('>').filter(|end| *end > 0)?;
    Some((kind, &arguments[..end], kind.len() + end + 3))
}

/// Reads a LoRA's arguments (`extra_networks_lora.py`, `activate`), or returns `None` for a tag of something else, without
/// a name or with a weight that is no number.
fn lora(kind: &str, arguments: &str) -> Option<LoraTag> {
    if kind != "lora" && kind != "lyco" {
        return None;
    }
    let mut positional = Vec::new();
    let (mut te, mut unet) = (None, None);
    for argument in arguments.split(':') {
        match argument.split('=').collect::<Vec<_>>()[..] {
            ["te", weight] => te = Some(weight),
            ["unet", weight] => unet = Some(weight),
            [_, _] => {}
            _ => positional.push(argument),
        }
    }
    let name = (*positional.first()?).to_owned();
    let weight = |named: Option<&str>, position: usize, default: f64| {
        named.or(positional.get(position).copied()).map_or(Some(default), number)
    };
    let text_encoder_weight = weight(te, 1, 1.0)?;
    let unet_weight = weight(unet, 2, text_encoder_weight)?;
    (!name.is_empty()).then_some(LoraTag { name, unet_weight, text_encoder_weight })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_lora(tag: &str, name: &str, text_encoder_weight: f64, unet_weight: f64) {
        let lora = LoraTag { name: name.into(), unet_weight, text_encoder_weight };
        assert_eq!(take(tag), Tags { loras: vec![lora], ..Tags::default() });
    }

    #[test]
    fn weights_are_named_or_in_order() {
        assert_lora("<lora:ink>", "ink", 1.0, 1.0);
        assert_lora("<lora:ink:0.8>", "ink", 0.8, 0.8);
        assert_lora("<lyco:ink v2:-.5>", "ink v2", -0.5, -0.5);
        assert_lora("<lora:ink:0.8:0.6:32>", "ink", 0.8, 0.6);
        assert_lora("<lora:ink:unet=0.6>", "ink", 1.0, 0.6);
        assert_lora("<lora:ink:te=0.5>", "ink", 0.5, 0.5);
        assert_lora("<lora:ink:0.8:dyn=4:te=0:unet=1>", "ink", 0.0, 1.0);
        assert_lora("<lora:a=b=c:2>", "a=b=c", 2.0, 2.0);
    }

    #[test]
    fn tags_leave_the_text_and_the_others_are_listed() {
        let tags = take("a <hypernet:x:1>cat<lora:ink>, <lora:ink:much> <lora::1><lora:te=1>ü");
        assert_eq!(tags.text, "a cat,  ü");
        assert_eq!(tags.loras.len(), 1);
        assert_eq!(tags.ignored, ["<hypernet:x:1>", "<lora:ink:much>", "<lora::1>", "<lora:te=1>"]);
    }

    #[test]
    fn what_is_no_tag_stays() {
        for text in ["a < b", "<3", "<b>", "<lora:>", "<lora: x", "<:x>", "<<b>>", "<lo ra:x>", "<a:"] {
            assert_eq!(take(text), Tags { text: text.into(), ..Tags::default() });
        }
        assert_eq!(take("<<lora:a>").text, "<");
    }
}
