use serde_json::{Map, Value, json};
use tokenizers::AddedToken;
use tokenizers::models::TrainerWrapper;
use tokenizers::models::bpe::{BPE, BpeTrainer, Merges, Vocab};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;

use crate::tokenizer::assemble;

/// The suffix of tokens that end a word.
const END_OF_WORD: &str = "</w>";

/// The tokens of a CLIP tokenizer, learnt from texts: every byte, within a word and at its end, the merges of frequent
/// neighbours (Sennrich et al. 2016, algorithm 1), and the two tokens that begin and end a prompt.
///
/// ```
/// let texts = ["a red house by the sea", "a blue house", "the red sea"];
/// let vocabulary = sd_clip::Vocabulary::learn(&texts, 10_000);
/// assert!(vocabulary.tokens().iter().any(|token| token == "house</w>"));
/// assert!(vocabulary.tokens().len() < 600);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vocabulary {
    tokens: Vec<String>,
    merges: Vec<(String, String)>,
}

impl Vocabulary {
    /// Learns from texts until each of their words is one token, or there are `limit` tokens.
    ///
    /// # Panics
    ///
    /// Panics if `limit` is less than 514, the number of tokens without any merge.
    pub fn learn<T: AsRef<str> + Send + Sync>(texts: &[T], limit: usize) -> Self {
        let tokens = alphabet();
        let specials = 2;
        assert!(limit >= tokens.len() + specials, "a vocabulary of {limit} tokens has no room for every byte");
        let merges_left = limit - tokens.len() - specials;
        let trainer = BpeTrainer::builder()
            .show_progress(false)
            .vocab_size(limit)
            // As special tokens they get ids before any word; the trainer orders equal counts by these ids.
            .special_tokens(tokens.iter().map(|token| AddedToken::from(token.clone(), true)).collect())
            .end_of_word_suffix(END_OF_WORD.into())
            .build();
        let mut tokenizer = assemble(BPE::builder(), Vec::new()).expect("an empty tokenizer");
        tokenizer
            .train(&mut TrainerWrapper::BpeTrainer(trainer), texts.iter().map(AsRef::as_ref))
            .expect("texts in memory can be read");
        let merges = merges(&serde_json::to_value(tokenizer.get_model()).expect("a tokenizer is JSON"));
        Self::from_merges(merges.into_iter().take(merges_left).collect())
    }

    /// Creates the vocabulary of these merges: every byte, within a word and at its end, the results of the merges, and the
    /// two tokens that begin and end a prompt.
    pub(crate) fn from_merges(merges: Vec<(String, String)>) -> Self {
        let mut tokens = alphabet();
        tokens.extend(merges.iter().map(|(a, b)| format!("{a}{b}")));
        tokens.extend(["<|startoftext|>", "<|endoftext|>"].map(String::from));
        Self { tokens, merges }
    }

    /// Returns the ids of the tokens, and the merges.
    pub(crate) fn into_byte_pairs(self) -> (Vocab, Merges) {
        (self.tokens.into_iter().zip(0..).collect(), self.merges)
    }

    /// Returns the tokens; a token's index is its id.
    pub fn tokens(&self) -> &[String] {
        &self.tokens
    }

    /// Returns the id of the token that ends a prompt.
    pub fn end(&self) -> u32 {
        self.tokens.len() as u32 - 1
    }

    /// Returns the files of a tokenizer folder that makes `max_length` ids of every prompt: their names and contents.
    pub fn files(&self, max_length: usize) -> [(&'static str, String); 4] {
        let special = json!({
            "bos_token": "<|startoftext|>",
            "eos_token": "<|endoftext|>",
            "pad_token": "<|endoftext|>",
            "unk_token": "<|endoftext|>",
        });
        self.files_with(&special, max_length)
    }

    /// The same with other special tokens.
    pub(crate) fn files_with(&self, special: &Value, max_length: usize) -> [(&'static str, String); 4] {
        let ids: Map<String, Value> =
            (0..).zip(&self.tokens).map(|(id, token): (u32, _)| (token.clone(), id.into())).collect();
        let merges: String = self.merges.iter().map(|(a, b)| format!("{a} {b}\n")).collect();
        let mut config = special.clone();
        config["do_lower_case"] = true.into();
        config["model_max_length"] = max_length.into();
        config["tokenizer_class"] = "CLIPTokenizer".into();
        [
            ("vocab.json", format!("{:#}\n", Value::Object(ids))),
            ("merges.txt", format!("#version: 0.2\n{merges}")),
            ("tokenizer_config.json", format!("{config:#}\n")),
            ("special_tokens_map.json", format!("{special:#}\n")),
        ]
    }
}

/// Lists every byte, within a word and at its end, in the order of their characters.
fn alphabet() -> Vec<String> {
    let mut bytes: Vec<char> = ByteLevel::alphabet().into_iter().collect();
    bytes.sort_unstable();
    let at_end = bytes.iter().map(|byte| format!("{byte}{END_OF_WORD}"));
    bytes.iter().map(char::to_string).chain(at_end).collect()
}

/// Returns the merges of a trained model, the first ones first.
fn merges(model: &Value) -> Vec<(String, String)> {
    let list = model["merges"].as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().expect("a token is a text").to_string();
    list.map(|pair| (text(&pair[0]), text(&pair[1]))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tokenizer;

    const TEXTS: [&str; 4] =
        ["A red house, by the sea.", "a house on the hill", "two red boats at sea", "a boat and a house"];

    fn tokenizer(vocabulary: &Vocabulary) -> Tokenizer {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in vocabulary.files(16) {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Tokenizer::from_folder(folder.path()).unwrap()
    }

    #[test]
    fn every_word_of_the_texts_is_one_token() {
        let vocabulary = Vocabulary::learn(&TEXTS, 10_000);
        for word in "a red house , by the sea . on hill two boats at boat and".split(' ') {
            assert!(vocabulary.tokens().contains(&format!("{word}</w>")), "{word}");
        }
        let ids = tokenizer(&vocabulary).encode("two red boats").ids;
        assert_eq!(ids[4..], [vocabulary.end(); 12]);
        assert_eq!(ids[0], vocabulary.end() - 1);
        let words: Vec<&str> = ids[1..4].iter().map(|id| vocabulary.tokens()[*id as usize].as_str()).collect();
        assert_eq!(words, ["two</w>", "red</w>", "boats</w>"]);
    }

    #[test]
    fn other_words_are_split() {
        let vocabulary = Vocabulary::learn(&TEXTS, 10_000);
        let ids = tokenizer(&vocabulary).encode("zyx").ids;
        let letters: Vec<&str> = ids[1..4].iter().map(|id| vocabulary.tokens()[*id as usize].as_str()).collect();
        assert_eq!(letters, ["z", "y", "x</w>"]);
    }

    #[test]
    fn split_words_are_named_once() {
        let tokenizer = tokenizer(&Vocabulary::learn(&TEXTS, 10_000));
        assert_eq!(tokenizer.split_words("Two red boats, by the SEA."), [""; 0]);
        assert_eq!(tokenizer.split_words("a Dragon on a hill, a dragon and a naïve house"), ["dragon", "naïve"]);
    }

    #[test]
    fn the_same_texts_in_any_order_give_the_same_vocabulary() {
        let turned: Vec<&str> = TEXTS.into_iter().rev().collect();
        for _ in 0..20 {
            assert!(Vocabulary::learn(&TEXTS, 10_000) == Vocabulary::learn(&turned, 10_000));
        }
    }

    #[test]
    fn a_limit_is_kept() {
        let vocabulary = Vocabulary::learn(&TEXTS, 520);
        assert_eq!(vocabulary.tokens().len(), 520);
        assert_eq!(vocabulary.end(), 519);
    }
}
