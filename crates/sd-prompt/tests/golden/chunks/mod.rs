use sd_prompt::{Syntax, Text};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    a1111: Vec<Case>,
    comfy: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    text: String,
    /// The tokens and weights of every chunk, the weights written so that no digit is lost.
    chunks: Vec<Vec<(u32, String)>>,
}

const COMMA: u32 = 44;

/// Tokenizes as `make.py` does.
fn tokens(text: &str) -> Vec<Vec<u32>> {
    let token = |word: &str| match word.strip_prefix("ti") {
        Some(length) => vec![0; length.parse().unwrap()],
        None if word == "," => vec![COMMA],
        None => vec![word.parse().unwrap_or(50)],
    };
    text.split_whitespace().map(token).collect()
}

fn assert_chunks(cases: &[Case], syntax: Syntax) {
    for case in cases {
        let text = Text::parse(&case.text, syntax).with_bare_embeddings();
        let chunks = text.chunks(75, Some(COMMA), &tokens).chunks;
        let chunks: Vec<Vec<_>> = chunks.into_iter().map(|c| c.ids.into_iter().zip(c.weights).collect()).collect();
        let exact = |(id, weight): &(u32, String)| (*id, weight.parse().unwrap());
        let wanted: Vec<Vec<_>> = case.chunks.iter().map(|chunk| chunk.iter().map(exact).collect()).collect();
        assert_eq!(chunks, wanted, "{:?}", case.text);
    }
}

#[test]
fn random_texts_are_cut_as_the_references_cut_them() {
    let golden: Golden = serde_json::from_str(include_str!("golden.json")).unwrap();
    assert_chunks(&golden.a1111, Syntax::A1111);
    assert_chunks(&golden.comfy, Syntax::Comfy);
}
