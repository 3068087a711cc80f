//! Attention without the matrix of scores: blocks of keys stay in the caches while queries go over them (Dao et al. 2022,
//! FlashAttention, algorithms 1 and 4).

pub(crate) mod backward;
pub(crate) mod forward;

use super::simd::{Vector, narrow, transpose};

/// Sizes of an attention.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Heads {
    pub batch: usize,
    pub heads: usize,
    pub queries: usize,
    pub keys: usize,
    /// Of one head.
    pub width: usize,
    /// Whether a query sees the keys up to its own place alone.
    pub causal: bool,
    /// Whether numbers may be rounded to half precision before they are multiplied.
    pub half: bool,
}

impl Heads {
    /// What scores are multiplied by.
    fn scale(&self) -> f32 {
        1.0 / (self.width as f32).sqrt()
    }

    /// Multiply-adds of one product of a head.
    fn products(&self) -> usize {
        self.queries * self.keys * self.width
    }

    /// How many keys from `first` query `i` sees.
    fn visible(&self, i: usize, first: usize) -> usize {
        if self.causal { (i + 1).saturating_sub(first) } else { self.keys }
    }
}

/// Tokens of heads that lie as they lie, but for the numbers of one, which are beside each other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    numbers: &'a [f32],
    start: usize,
    /// From a batch's item, a head and a token to the next.
    apart: [usize; 3],
    sizes: [usize; 3],
    width: usize,
}

impl<'a> View<'a> {
    /// `sizes`: batch, heads, tokens, width of a head.
    ///
    /// # Panics
    ///
    /// Panics if the last number lies beyond the end.
    pub fn new(numbers: &'a [f32], start: usize, apart: [usize; 3], [batch, heads, tokens, width]: [usize; 4]) -> Self {
        let sizes = [batch, heads, tokens];
        let last: usize = sizes.iter().zip(apart).map(|(size, apart)| size.saturating_sub(1) * apart).sum();
        assert!(sizes.contains(&0) || start + last + width <= numbers.len(), "{start} {apart:?} {sizes:?}");
        Self { numbers, start, apart, sizes, width }
    }

    fn has(&self, heads: &Heads, tokens: usize) -> bool {
        self.sizes == [heads.batch, heads.heads, tokens] && self.width == heads.width
    }

    /// The tokens of one head.
    fn head(&self, batch: usize, head: usize) -> Tokens<'a> {
        assert!(batch < self.sizes[0] && head < self.sizes[1]);
        let from = &self.numbers[self.start + batch * self.apart[0] + head * self.apart[1]..];
        Tokens { from, apart: self.apart[2], count: self.sizes[2], width: self.width }
    }
}

/// The tokens of one head.
#[derive(Clone, Copy)]
struct Tokens<'a> {
    from: &'a [f32],
    apart: usize,
    count: usize,
    width: usize,
}

impl Tokens<'_> {
    /// Copies `count` tokens to rows of `wide` numbers, and leaves what is beyond a token as it is.
    #[inline(always)]
    fn rows(&self, first: usize, count: usize, factor: f32, to: &mut [f32], wide: usize) {
        for (i, to) in to.chunks_exact_mut(wide).take(count).enumerate() {
            let from = &self.from[(first + i) * self.apart..][..self.width];
            for (to, from) in to.iter_mut().zip(from) {
                *to = factor * from;
            }
        }
    }

    /// Copies `count` tokens as pairs to rows of `wide` numbers, and leaves what is beyond a token as it is.
    #[inline(always)]
    fn narrow_rows<V: Vector>(&self, first: usize, count: usize, to: &mut [f32], wide: usize) {
        for (i, to) in to.chunks_exact_mut(wide).take(count).enumerate() {
            narrow::<V>(&self.from[(first + i) * self.apart..][..self.width], &mut to[..self.width / 2]);
        }
    }

    /// Puts `count` tokens into columns: panels of two vectors of tokens, of which each is `[width, tokens]`.
    ///
    /// What is beyond the tokens in the last panel is left as it is.
    #[inline(always)]
    fn columns<V: Vector>(&self, first: usize, count: usize, to: &mut [f32]) {
        let (lanes, width) = (V::LANES, self.width);
        assert!(first + count <= self.count && to.len() >= count.next_multiple_of(2 * lanes) * width);
        for (i, panel) in to.chunks_exact_mut(2 * lanes * width).enumerate().take(count.div_ceil(2 * lanes)) {
            let start = 2 * lanes * i;
            let from = &self.from[(first + start) * self.apart..];
            let here = (2 * lanes).min(count - start);
            transpose::<V>(from, [self.apart, 1], [here, width], panel, 2 * lanes);
        }
    }
}

/// Cuts pieces of these lengths off `memory`, which is made large enough; all of it is zeros.
fn pieces<const N: usize>(memory: &mut Vec<f32>, lengths: [usize; N]) -> [&mut [f32]; N] {
    memory.clear();
    memory.resize(lengths.iter().sum(), 0.0);
    let mut rest = &mut memory[..];
    lengths.map(|length| {
        let (piece, others) = std::mem::take(&mut rest).split_at_mut(length);
        rest = others;
        piece
    })
}
