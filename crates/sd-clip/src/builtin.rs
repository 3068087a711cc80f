use std::io::Read;

use flate2::read::GzDecoder;
use serde_json::{Value, json};
use tokenizers::AddedToken;

use crate::{Tokenizer, Vocabulary};

/// CLIP's merges, from open_clip (see the licence beside the file), without those that CLIP does not use.
const MERGES: &[u8] = include_bytes!("../data/bpe_simple_vocab_16e6.txt.gz");

/// The token that pads prompts to the text encoder's length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// The token that ends a prompt: Stable Diffusion 1.x, and the first encoder of XL.
    End,
    /// The token 0, which is `!`: Stable Diffusion 2.x, and the second encoder of XL.
    Exclamation,
}

impl Padding {
    fn token(self) -> &'static str {
        match self {
            Self::End => END,
            Self::Exclamation => "!",
        }
    }
}

const START: &str = "<|startoftext|>";
const END: &str = "<|endoftext|>";

impl Vocabulary {
    /// CLIP's 49408 tokens.
    pub fn clip() -> Self {
        let mut text = String::new();
        GzDecoder::new(MERGES).read_to_string(&mut text).expect("the file is part of the program");
        // The first line is a title.
        let merges = text.lines().skip(1).filter_map(|line| line.split_once(' '));
        Self::from_merges(merges.map(|(a, b)| (a.to_string(), b.to_string())).collect())
    }
}

impl Tokenizer {
    /// Creates the tokenizer of all published Stable Diffusion models, for checkpoints without one: 77 ids of a vocabulary
    /// of 49408.
    ///
    /// ```
    /// use sd_clip::{Padding, Tokenizer};
    ///
    /// let ids = Tokenizer::clip(Padding::End).encode("a photograph").ids;
    /// assert_eq!(ids[..5], [49406, 320, 8853, 49407, 49407]);
    /// ```
    pub fn clip(padding: Padding) -> Self {
        // As in the published folders, the first three are searched in the lower-cased prompt.
        let [start, end] = [START, END].map(|t| AddedToken::from(t, true).normalized(true));
        let special = [start, end.clone(), end, AddedToken::from(padding.token(), true)];
        let (ids, merges) = Vocabulary::clip().into_byte_pairs();
        Self::new(ids, merges, special, Vec::new(), 77).expect("CLIP's vocabulary makes a tokenizer")
    }

    /// Returns the files of a folder that [`from_folder`](Self::from_folder) reads as [`clip`](Self::clip): their names and
    /// contents.
    pub fn clip_files(padding: Padding) -> [(&'static str, String); 4] {
        let token = |content: &str| -> Value {
            json!({ "content": content, "lstrip": false, "normalized": true, "rstrip": false, "single_word": false })
        };
        let special = json!({
            "bos_token": token(START),
            "eos_token": token(END),
            "pad_token": padding.token(),
            "unk_token": token(END),
        });
        Vocabulary::clip().files_with(&special, 77)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_clips_tokenizer_makes_the_same_ids() {
        for (padding, other) in [(Padding::End, Padding::Exclamation), (Padding::Exclamation, Padding::End)] {
            let folder = tempfile::tempdir().unwrap();
            for (name, text) in Tokenizer::clip_files(padding) {
                std::fs::write(folder.path().join(name), text).unwrap();
            }
            let read = Tokenizer::from_folder(folder.path()).unwrap();
            assert!(read.agrees_with(&Tokenizer::clip(padding)));
            assert!(!read.agrees_with(&Tokenizer::clip(other)));
            let prompt = "A red house!, by the <|ENDOFTEXT|> sea! <|startoftext|>";
            assert_eq!(read.encode(prompt), Tokenizer::clip(padding).encode(prompt));
        }
    }
}
