//! From a prompt to token ids, as transformers' `CLIPTokenizer` does it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io, slice};

use serde_json::{Map, Value, json};
use tokenizers::models::bpe::{BPE, BpeBuilder, Merges, Vocab};
use tokenizers::normalizers::{self, Lowercase, NFC, Replace, replace::ReplacePattern};
use tokenizers::pre_tokenizers::{byte_level::ByteLevel, sequence, split::Split, split::SplitPattern};
use tokenizers::{AddedToken, SplitDelimiterBehavior::Removed, Tokenizer as Inner};

use crate::TokenizerError;

/// The positions of CLIP's text encoders, used where a folder sets no `model_max_length`.
const POSITIONS: usize = 77;

/// The words of CLIP. Spaces are not part of any word, so they are dropped.
const WORD: &str = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+";

/// The special tokens and their defaults, in the order in which transformers registers them: of two with the same text, the
/// flags of the later one count.
const SPECIAL: [(&str, &str); 4] = [
    ("bos_token", "<|startoftext|>"),
    ("eos_token", "<|endoftext|>"),
    ("unk_token", "<|endoftext|>"),
    ("pad_token", "<|endoftext|>"),
];

/// CLIP's tokenizer: lower-cased byte-level byte-pair encoding.
///
/// It returns the ids of transformers' `CLIPTokenizer.from_pretrained(folder)`, even where these are surprising: Stable
/// Diffusion 2 pads with `!`, so a `!` in a prompt is a padding token.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    inner: Inner,
    start: u32,
    end: u32,
    pad: u32,
    max_length: usize,
    /// The ids that replace [added](Self::add) words, by the ids that the inner tokenizer has for these words.
    added: BTreeMap<u32, Vec<u32>>,
}

/// A prompt as the text encoder reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The start token, the prompt, the end token, then padding: [`Tokenizer::max_length`] ids.
    pub ids: Vec<u32>,
    /// The end of the prompt, as it was written, if it did not fit.
    pub cut: Option<String>,
}

impl Tokenizer {
    /// Reads a tokenizer folder in diffusers' layout.
    ///
    /// The vocabulary is in `tokenizer.json`, or else in `vocab.json` and `merges.txt`. The special tokens and the length are
    /// in `tokenizer_config.json`, `special_tokens_map.json` and `added_tokens.json`, each of which may be absent.
    ///
    /// # Errors
    ///
    /// [`TokenizerError`] if a file is missing, cannot be read or does not fit the others.
    pub fn from_folder(folder: &Path) -> Result<Self, TokenizerError> {
        Self::from_files(folder, &|name| fs::read(folder.join(name)))
    }

    /// Reads the files of such a folder with `read`, which takes their names; `folder` is for messages.
    ///
    /// # Errors
    ///
    /// As [`from_folder`](Self::from_folder).
    pub fn from_files(folder: &Path, read: &dyn Fn(&str) -> io::Result<Vec<u8>>) -> Result<Self, TokenizerError> {
        let files = Files { folder, read };
        let whole = files.json("tokenizer.json")?;
        let config = files.json("tokenizer_config.json")?;
        let [vocabulary, merges] = model_files(files, &whole)?;
        let (ids, merges) = byte_pairs(&vocabulary, &merges)?;
        let (special, listed) = special_tokens(files, &config, &whole)?;
        let is_listed = |token: &AddedToken| listed.iter().any(|t| t.content == token.content);
        for (token, (key, _)) in special.iter().zip(SPECIAL) {
            // transformers would give the token a new id, for which there is no embedding. A listed token has an embedding,
            // but the byte-pair encoding cannot fall back on it.
            let listed = key != "unk_token" && !token.content.is_empty() && is_listed(token);
            if !listed && !ids.contains_key(&token.content) {
                let (file, token) = (vocabulary.file, brief(&token.content));
                return Err(TokenizerError::Token { file, key, token });
            }
        }
        let max_length = config.max_length()?;
        Self::new(ids, merges, special, listed, max_length).map_err(|reason| TokenizerError::Content {
            file: folder.to_owned(),
            expected: "files that make a tokenizer together",
            found: reason.to_string(),
        })
    }

    /// Creates a tokenizer of byte pairs, with the [`SPECIAL`] tokens, which the vocabulary has, and listed ones.
    pub(crate) fn new(
        ids: Vocab,
        merges: Merges,
        special: [AddedToken; 4],
        listed: Vec<AddedToken>,
        max_length: usize,
    ) -> tokenizers::Result<Self> {
        let unknown = special[2].content.clone();
        let model = BPE::builder().vocab_and_merges(ids, merges).unk_token(unknown);
        let unlisted = special.iter().filter(|token| listed.iter().all(|t| t.content != token.content));
        let added = listed.iter().chain(unlisted).cloned().collect();
        let inner = assemble(model, added)?;
        let id = |token: AddedToken| inner.token_to_id(&token.content).expect("the special tokens are known");
        let [start, end, _, pad] = special.map(id);
        Ok(Self { inner, start, end, pad, max_length, added: BTreeMap::new() })
    }

    /// Returns the ids of a prompt, cut or padded to [`Self::max_length`].
    pub fn encode(&self, prompt: &str) -> Encoded {
        // Encoding can only fail for a letter outside a vocabulary without the unknown token.
        let words = self.inner.encode(prompt, false);
        let words = words.expect("the unknown token is known");
        let room = self.room();
        let word_ids = |id| self.added.get(id).map_or(slice::from_ref(id), Vec::as_slice);
        let parts = words.get_ids().iter().zip(words.get_offsets());
        let all: Vec<_> = parts.flat_map(|(id, offsets)| word_ids(id).iter().map(move |id| (*id, offsets.0))).collect();
        let kept: Vec<u32> = all.iter().take(room).map(|(id, _)| *id).collect();
        let ids = self.framed(&kept);
        // A character of several tokens counts as cut if its last tokens are.
        let from = all.get(room).map(|(_, from)| *from);
        let cut = from.map(|from| prompt[prompt.floor_char_boundary(from)..].trim().to_owned());
        Encoded { ids, cut }
    }

    /// Returns the ids of a text, without start, end and padding, in pieces that belong together: a token, or all ids of an
    /// [added](Self::add) word.
    pub fn pieces(&self, text: &str) -> Vec<Vec<u32>> {
        let tokens = self.inner.encode(text, false).expect("the unknown token is known");
        tokens.get_ids().iter().map(|id| self.added.get(id).cloned().unwrap_or_else(|| vec![*id])).collect()
    }

    /// Returns the text of an id as it stands in the vocabulary; `</w>` ends a word.
    pub fn token(&self, id: u32) -> Option<String> {
        self.inner.id_to_token(id)
    }

    /// Returns the number of ids that fit between start and end.
    pub fn room(&self) -> usize {
        self.max_length - 2
    }

    /// Puts ids between start and end, and pads them to [`Self::max_length`].
    ///
    /// # Panics
    ///
    /// Panics if there are more than [`Self::room`].
    pub fn framed(&self, ids: &[u32]) -> Vec<u32> {
        assert!(ids.len() <= self.room(), "{} ids, but there is room for {}", ids.len(), self.room());
        let mut framed = [&[self.start], ids, &[self.end]].concat();
        framed.resize(self.max_length, self.pad);
        framed
    }

    /// Returns the words of a prompt that are split into several tokens, each once. A tokenizer that
    /// [learnt](crate::Vocabulary::learn) its vocabulary from texts splits only words that they lack.
    pub fn split_words(&self, prompt: &str) -> Vec<String> {
        let words = self.inner.encode(prompt, false).expect("the unknown token is known");
        let (ids, offsets) = (words.get_word_ids(), words.get_offsets());
        let mut split: Vec<String> = Vec::new();
        for i in 1..ids.len() {
            // The second token of a word; the token before it is the first.
            let is_second = ids[i].is_some() && ids[i] == ids[i - 1] && (i == 1 || ids[i - 2] != ids[i]);
            if is_second {
                let end = (i..ids.len()).take_while(|&j| ids[j] == ids[i]).last().unwrap_or(i);
                let word = prompt[offsets[i - 1].0..offsets[end].1].to_lowercase();
                if !split.contains(&word) {
                    split.push(word);
                }
            }
        }
        split
    }

    /// Adds a word that `ids` replace wherever it occurs in a prompt. Like all words it may be written with capitals.
    ///
    /// # Errors
    ///
    /// [`TokenizerError::Known`] for a word that is a token already, or empty.
    pub fn add(&mut self, word: &str, ids: Vec<u32>) -> Result<(), TokenizerError> {
        if word.trim().is_empty() || self.inner.token_to_id(word).is_some() {
            return Err(TokenizerError::Known { word: word.to_string() });
        }
        // Adding can only fail for a token without a text.
        self.inner.add_tokens([AddedToken::from(word, false)]).expect("the word is not empty");
        let id = self.inner.token_to_id(word).expect("it was just added");
        self.added.insert(id, ids);
        Ok(())
    }

    /// Returns the number of ids of every encoded prompt.
    pub fn max_length(&self) -> usize {
        self.max_length
    }

    /// Whether the other tokenizer returns the same ids: it has the same tokens, and pads prompts in the same way.
    pub fn agrees_with(&self, other: &Self) -> bool {
        let rules = |t: &Self| (t.start, t.end, t.pad, t.max_length);
        rules(self) == rules(other)
            && self.added == other.added
            && self.inner.get_vocab(true) == other.inner.get_vocab(true)
    }

    /// Returns the highest id that a prompt can contain. A text encoder that fits has more tokens.
    pub fn highest_id(&self) -> u32 {
        self.inner.get_vocab(true).into_values().max().unwrap_or(0)
    }
}

/// Assembles CLIP's steps from a text to tokens around a byte-pair model.
pub(crate) fn assemble(model: BpeBuilder, added: Vec<AddedToken>) -> tokenizers::Result<Inner> {
    let spaces = Replace::new(ReplacePattern::Regex(r"\s+".into()), " ")?;
    let letters = normalizers::Sequence::new(vec![NFC.into(), spaces.into(), Lowercase.into()]);
    let words = Split::new(SplitPattern::Regex(WORD.into()), Removed, true)?;
    let bytes = ByteLevel::default().add_prefix_space(false);
    let words = sequence::Sequence::new(vec![words.into(), bytes.into()]);
    let mut inner = Inner::new(model.end_of_word_suffix("</w>".into()).build()?);
    inner.with_normalizer(Some(letters))?;
    inner.with_pre_tokenizer(Some(words));
    inner.add_tokens(added)?;
    Ok(inner)
}

/// Reads the vocabulary and the list of merges. All else in the model of `tokenizer.json` is ignored, as transformers builds
/// CLIP's tokenizer from these two.
fn model_files(files: Files, whole: &Json) -> Result<[Json; 2], TokenizerError> {
    if !whole.value.is_null() {
        let part = |name: &str| whole.value["model"][name].clone();
        return Ok(["vocab", "merges"].map(|name| Json { file: whole.file.clone(), value: part(name) }));
    }
    let missing = |file| TokenizerError::Missing { folder: files.folder.to_owned(), file };
    let vocabulary = files.json("vocab.json")?;
    if vocabulary.value.is_null() {
        return Err(missing("vocab.json"));
    }
    let merges = files.text("merges.txt")?.ok_or_else(|| missing("merges.txt"))?;
    let value = merges.lines().collect();
    Ok([vocabulary, Json { file: files.folder.join("merges.txt"), value }])
}

fn byte_pairs(vocabulary: &Json, merges: &Json) -> Result<(Vocab, Merges), TokenizerError> {
    let mut ids = Vocab::new();
    for (token, id) in vocabulary.object(&vocabulary.value)? {
        ids.insert(token.clone(), vocabulary.id(id)?);
    }
    let known = |token: &str| ids.contains_key(token);
    let mut pairs = Merges::new();
    let list = merges.value.as_array();
    let list = list.ok_or_else(|| merges.wrong("a list", &merges.value))?;
    for (merge, number) in list.iter().zip(1..) {
        // "a b", or ["a", "b"] as tokenizers writes it since 0.20.
        let texts = merge.as_array();
        let texts = texts.map_or(slice::from_ref(merge), Vec::as_slice);
        let texts: Vec<_> = texts.iter().filter_map(Value::as_str).collect();
        let text = texts.join(" ");
        match text.split_once(' ') {
            _ if text.starts_with("#version") => {}
            // Some merges of unknown tokens would make the builder of the model panic.
            Some((a, b)) if known(a) && known(b) && known(&format!("{a}{b}")) => {
                pairs.push((a.to_owned(), b.to_owned()));
            }
            _ => {
                let (file, found) = (merges.file.clone(), brief(&text));
                return Err(TokenizerError::Merge { file, number, found });
            }
        }
    }
    Ok((ids, pairs))
}

/// The [`SPECIAL`] tokens, and the tokens that the folder lists with their ids.
type Tokens = ([AddedToken; 4], Vec<AddedToken>);

fn special_tokens(files: Files, config: &Json, whole: &Json) -> Result<Tokens, TokenizerError> {
    let list = &config.value["added_tokens_decoder"];
    let mut map = Json::default();
    // With such a list, transformers ignores the older files for the same settings.
    if list.is_null() {
        map = files.json("special_tokens_map.json")?;
    }
    let [start, end, unknown, pad] = SPECIAL.map(|(key, default)| {
        let given = [&map, config].into_iter().find(|json| !json.value[key].is_null());
        let default = Ok(AddedToken::from(default, true));
        given.map_or(default, |json| json.token(&json.value[key], true))
    });
    let special = [start?, end?, unknown?, pad?];
    let mut listed = BTreeMap::new();
    let mut add = |json: &Json, id: &Value, token: &Value| {
        let special = special.iter().any(|s| token["content"] == s.content);
        listed.insert(json.id(id)?, json.token(token, special)?);
        Ok(())
    };
    if !list.is_null() {
        for (key, token) in config.object(list)? {
            let id = key.parse::<u32>().map_or(json!(key), Value::from);
            add(config, &id, token)?;
        }
    } else {
        let texts = files.json("added_tokens.json")?;
        for (text, id) in texts.value.as_object().into_iter().flatten() {
            add(&texts, id, &json!({ "content": text }))?;
        }
        for token in whole.value["added_tokens"].as_array().into_iter().flatten() {
            add(whole, &token["id"], token)?;
        }
    }
    Ok((special, listed.into_values().collect()))
}

/// The files of a tokenizer folder.
#[derive(Clone, Copy)]
struct Files<'a> {
    folder: &'a Path,
    read: &'a dyn Fn(&str) -> io::Result<Vec<u8>>,
}

impl Files<'_> {
    /// Reads the text of a file, if there is such a file.
    fn text(self, name: &str) -> Result<Option<String>, TokenizerError> {
        let text = (self.read)(name).and_then(|bytes| {
            String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.utf8_error()))
        });
        match text {
            Ok(text) => Ok(Some(text)),
            Err(reason) if reason.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(reason) => Err(TokenizerError::Read { file: self.folder.join(name), reason }),
        }
    }

    fn json(self, name: &str) -> Result<Json, TokenizerError> {
        let file = self.folder.join(name);
        let Some(text) = self.text(name)? else {
            return Ok(Json::default());
        };
        match serde_json::from_str(&text) {
            Ok(value) => {
                let json = Json { file, value };
                json.object(&json.value)?;
                Ok(json)
            }
            Err(reason) => Err(TokenizerError::Json { file, reason }),
        }
    }
}

/// A JSON file, or null where there is none.
#[derive(Default)]
struct Json {
    file: PathBuf,
    value: Value,
}

impl Json {
    fn object<'a>(&self, value: &'a Value) -> Result<&'a Map<String, Value>, TokenizerError> {
        value.as_object().ok_or_else(|| self.wrong("an object", value))
    }

    fn id(&self, value: &Value) -> Result<u32, TokenizerError> {
        // The text encoder takes ids as signed 32-bit integers.
        let id = value.as_u64().filter(|id| *id < 1 << 31);
        id.map(|id| id as u32).ok_or_else(|| self.wrong("an id below 2147483648", value))
    }

    /// Reads a token, a string or an object. A normalized one is searched in the lower-cased prompt; others, by default the
    /// special tokens, in the prompt as it was written.
    fn token(&self, value: &Value, special: bool) -> Result<AddedToken, TokenizerError> {
        if let Some(text) = value.as_str() {
            return Ok(AddedToken::from(text, true));
        }
        let Some(text) = value["content"].as_str() else {
            return Err(self.wrong("a token, as a string or an object with \"content\"", value));
        };
        let flag = |key: &str, default| value[key].as_bool().unwrap_or(default);
        let special = flag("special", false) || special;
        Ok(AddedToken::from(text, special)
            .normalized(flag("normalized", !special))
            .single_word(flag("single_word", false))
            .lstrip(flag("lstrip", false))
            .rstrip(flag("rstrip", false)))
    }

    fn max_length(&self) -> Result<usize, TokenizerError> {
        let value = &self.value["model_max_length"];
        match value.as_f64() {
            // transformers writes 1e30 for an unknown length.
            Some(length) if length > 65535.0 => Ok(POSITIONS),
            Some(length) if length >= 2.0 => Ok(length as usize),
            None if value.is_null() => Ok(POSITIONS),
            _ => Err(self.wrong("a model_max_length of 2 or more, for start and end", value)),
        }
    }

    fn wrong(&self, expected: &'static str, found: &Value) -> TokenizerError {
        let found = if found.is_null() { "nothing".into() } else { brief(&found.to_string()) };
        TokenizerError::Content { file: self.file.clone(), expected, found }
    }
}

/// Shortens a text for a message.
fn brief(text: &str) -> String {
    text.char_indices().nth(40).map_or(text.to_owned(), |(end, _)| format!("{}…", &text[..end]))
}
