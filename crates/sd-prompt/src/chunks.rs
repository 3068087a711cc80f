use crate::{Fragment, Syntax, Text};

/// What a text encoder sees at once, without its start and end tokens and its padding.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chunk {
    /// The tokens.
    pub ids: Vec<u32>,
    /// The weight of every token.
    pub weights: Vec<f64>,
}

/// A [`Text`] as chunks of tokens.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chunks {
    /// The chunks, at least one.
    pub chunks: Vec<Chunk>,
    /// The tokens that no chunk holds: the end of a long text in [`Syntax::Plain`].
    pub cut: Vec<u32>,
}

/// In AUTOMATIC1111's chunks, what follows a comma moves with the next token if it is at most this long.
const BACKTRACK: usize = 20;
/// In ComfyUI's chunks, fragments shorter than this are kept whole.
const LARGE: usize = 8;

impl Text {
    /// Cuts the text into chunks of at most `room` tokens, which is 75 for CLIP, by the rules of its syntax.
    ///
    /// `tokens` tokenizes a fragment without start and end. It returns pieces: usually of one id, and of several for a
    /// textual inversion. `comma` is the id of a comma that ends a word.
    ///
    /// * a1111: a chunk ends after its last comma if that is among its last 20 tokens, and at every `BREAK`. A piece is
    ///   not split, unless it is longer than a chunk. Source: `modules/sd_hijack_clip.py`, `tokenize_line`.
    /// * comfy: a fragment of fewer than 8 tokens is not split. Source: `comfy/sd1_clip.py`, `tokenize_with_weights`.
    /// * plain: one chunk; the rest is [cut](Chunks::cut).
    ///
    /// # Panics
    ///
    /// Panics if `room` is 0.
    pub fn chunks(&self, room: usize, comma: Option<u32>, tokens: &dyn Fn(&str) -> Vec<Vec<u32>>) -> Chunks {
        assert!(room > 0, "a chunk without room");
        let mut chunker = Chunker { room, comma, ..Chunker::default() };
        for fragment in &self.fragments {
            match (fragment, self.syntax) {
                (Fragment::Break, Syntax::A1111) => chunker.next(),
                (Fragment::Break, _) => {}
                (Fragment::Words { text, weight }, Syntax::A1111) => {
                    tokens(text).iter().for_each(|piece| chunker.push_piece(piece, *weight));
                }
                (Fragment::Words { text, weight }, Syntax::Comfy) => {
                    chunker.push_fragment(&tokens(text).concat(), *weight);
                }
                (Fragment::Words { text, weight }, Syntax::Plain) => chunker.push(&tokens(text).concat(), *weight),
            }
        }
        chunker.finish(self.syntax)
    }
}

/// The chunks so far, and the one being filled.
#[derive(Default)]
struct Chunker {
    room: usize,
    comma: Option<u32>,
    done: Vec<Chunk>,
    chunk: Chunk,
    /// The place of the last comma in the chunk.
    last_comma: Option<usize>,
}

impl Chunker {
    fn push_piece(&mut self, piece: &[u32], weight: f64) {
        let length = self.chunk.ids.len();
        let is_full = length == self.room;
        if self.comma.is_some_and(|comma| piece == [comma]) {
            self.last_comma = Some(length);
        } else if let Some(comma) = self.last_comma.filter(|comma| is_full && length - comma <= BACKTRACK) {
            let moved = self.chunk.split_off(comma + 1);
            self.next();
            self.chunk = moved;
        }
        if self.chunk.ids.len() == self.room {
            // The comma that starts a chunk is not remembered, in the reference too.
            self.next();
        }
        if !self.chunk.ids.is_empty() && self.chunk.ids.len() + piece.len() > self.room {
            self.next();
        }
        self.push_split(piece, weight);
    }

    fn push_fragment(&mut self, ids: &[u32], weight: f64) {
        if ids.len() < LARGE && !self.chunk.ids.is_empty() && self.chunk.ids.len() + ids.len() > self.room {
            self.next();
        }
        self.push_split(ids, weight);
    }

    /// Fills chunk after chunk.
    fn push_split(&mut self, ids: &[u32], weight: f64) {
        let (here, rest) = ids.split_at(ids.len().min(self.room - self.chunk.ids.len()));
        self.push(here, weight);
        for ids in rest.chunks(self.room) {
            self.next();
            self.push(ids, weight);
        }
    }

    fn push(&mut self, ids: &[u32], weight: f64) {
        self.chunk.ids.extend(ids);
        self.chunk.weights.extend(ids.iter().map(|_| weight));
    }

    fn next(&mut self) {
        self.done.push(std::mem::take(&mut self.chunk));
        self.last_comma = None;
    }

    fn finish(mut self, syntax: Syntax) -> Chunks {
        let cut = match syntax {
            Syntax::Plain if self.chunk.ids.len() > self.room => self.chunk.split_off(self.room).ids,
            _ => Vec::new(),
        };
        if !self.chunk.ids.is_empty() || self.done.is_empty() {
            self.next();
        }
        Chunks { chunks: self.done, cut }
    }
}

impl Chunk {
    fn split_off(&mut self, at: usize) -> Self {
        Self { ids: self.ids.split_off(at), weights: self.weights.split_off(at) }
    }
}
