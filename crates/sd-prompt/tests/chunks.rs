//! Chunks of tokens: the rules of every syntax, with words as tokens.

use sd_prompt::{Chunk, Chunks, Syntax, Text};

const COMMA: u32 = 0;

/// A word of digits is that token, `ti5` is a textual inversion of five, and a comma is 0.
fn tokens(text: &str) -> Vec<Vec<u32>> {
    let token = |word: &str| match word.strip_prefix("ti") {
        Some(length) => vec![7; length.parse().unwrap()],
        None if word == "," => vec![COMMA],
        None => vec![word.parse().unwrap()],
    };
    text.split_whitespace().map(token).collect()
}

fn chunks(text: &str, syntax: Syntax) -> Chunks {
    Text::parse(text, syntax).chunks(75, Some(COMMA), &tokens)
}

fn lengths(text: &str, syntax: Syntax) -> Vec<usize> {
    let Chunks { chunks, cut } = chunks(text, syntax);
    assert!(cut.is_empty() || syntax == Syntax::Plain);
    chunks.iter().map(|chunk| chunk.ids.len()).collect()
}

/// So many words.
fn words(count: usize) -> String {
    "1 ".repeat(count)
}

#[test]
fn a_short_text_is_one_chunk_in_every_syntax() {
    for syntax in Syntax::ALL {
        for count in [0, 1, 75] {
            let chunk = Chunk { ids: vec![1; count], weights: vec![1.0; count] };
            assert_eq!(chunks(&words(count), syntax), Chunks { chunks: vec![chunk], cut: vec![] });
        }
    }
}

#[test]
fn tokens_carry_the_weight_of_their_fragment() {
    let Chunks { chunks, .. } = chunks("1 (2 ti3:1.5) [3]", Syntax::A1111);
    assert_eq!(chunks[0].ids, [1, 2, 7, 7, 7, 3]);
    assert_eq!(chunks[0].weights, [1.0, 1.5, 1.5, 1.5, 1.5, 1.0 / 1.1]);
}

#[test]
fn automatic1111_ends_a_chunk_after_a_comma_near_its_end() {
    let with_comma_at = |place: usize, count: usize| format!("{}, {}", words(place), words(count - place - 1));
    assert_eq!(lengths(&words(76), Syntax::A1111), [75, 1]);
    assert_eq!(lengths(&with_comma_at(55, 75), Syntax::A1111), [75]);
    assert_eq!(lengths(&with_comma_at(55, 76), Syntax::A1111), [56, 20]);
    assert_eq!(lengths(&with_comma_at(54, 76), Syntax::A1111), [75, 1]);
    assert_eq!(lengths(&with_comma_at(74, 76), Syntax::A1111), [75, 1]);
    // A comma as the 76th token doesn't look back, and is forgotten.
    assert_eq!(lengths(&format!("{}, {}, {}", words(70), words(4), words(80)), Syntax::A1111), [75, 75, 6]);
    // Without the id of the comma there is no such rule.
    let text = Text::parse(&with_comma_at(55, 76), Syntax::A1111).chunks(75, None, &tokens);
    assert_eq!(text.chunks[0].ids.len(), 75);
}

#[test]
fn automatic1111_never_splits_a_textual_inversion() {
    assert_eq!(lengths(&format!("{} ti5", words(70)), Syntax::A1111), [75]);
    assert_eq!(lengths(&format!("{} ti6 1", words(70)), Syntax::A1111), [70, 7]);
    assert_eq!(lengths("ti100 1", Syntax::A1111), [75, 26]);
}

#[test]
fn automatic1111_starts_a_chunk_at_a_break() {
    assert_eq!(lengths("1 BREAK 2 3", Syntax::A1111), [1, 2]);
    assert_eq!(lengths("1 BREAK BREAK 2", Syntax::A1111), [1, 0, 1]);
    assert_eq!(lengths("BREAK 2 BREAK", Syntax::A1111), [0, 1]);
    assert_eq!(lengths(&format!("{} BREAK 2", words(75)), Syntax::A1111), [75, 1]);
}

#[test]
fn comfyui_keeps_short_fragments_whole() {
    assert_eq!(lengths(&words(160), Syntax::Comfy), [75, 75, 10]);
    assert_eq!(lengths(&format!("{} (1 2 3 4 5 6 7:1.2)", words(70)), Syntax::Comfy), [70, 7]);
    assert_eq!(lengths(&format!("{} (1 2 3 4 5 6 7 8:1.2)", words(70)), Syntax::Comfy), [75, 3]);
    let text = Text::parse(&format!("{} embedding:ti6 1", words(70)), Syntax::Comfy).with_bare_embeddings();
    let chunks = text.chunks(75, None, &tokens).chunks;
    assert_eq!(chunks.iter().map(|chunk| chunk.ids.len()).collect::<Vec<_>>(), [70, 7]);
}

#[test]
fn plain_text_is_cut() {
    let Chunks { chunks, cut } = chunks(&format!("{}2 3", words(75)), Syntax::Plain);
    assert_eq!((chunks.len(), chunks[0].ids.len(), chunks[0].weights.len()), (1, 75, 75));
    assert_eq!(cut, [2, 3]);
}

#[test]
fn chunks_hold_every_token_once_and_in_order() {
    let text: String = (1..500).map(|word| format!("{word} {}", if word % 31 == 0 { ", " } else { "" })).collect();
    for syntax in Syntax::ALL {
        for room in [1, 2, 7, 20, 21, 75, 1000] {
            let Chunks { chunks, cut } = Text::parse(&text, syntax).chunks(room, Some(COMMA), &tokens);
            assert!(chunks.iter().all(|chunk| chunk.ids.len() <= room && chunk.ids.len() == chunk.weights.len()));
            let ids: Vec<_> = chunks.into_iter().flat_map(|chunk| chunk.ids).chain(cut).collect();
            assert_eq!(ids, tokens(&text).concat());
        }
    }
}
