//! Attention that never stores the matrix of scores: blocks of keys stay in the caches while queries go over them (Dao et
//! al. 2022, FlashAttention, algorithms 1 and 4).

pub(crate) mod backward;
pub(crate) mod forward;
mod softmax;
mod tiled;

use super::aligned::{LINE, aligned};
use super::simd::{Vector, narrow, transpose};

/// The sizes of an attention.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Heads {
    pub batch: usize,
    pub heads: usize,
    pub queries: usize,
    pub keys: usize,
    /// Width of one head.
    pub width: usize,
    /// Whether query `i` sees keys 0 to `i` only.
    pub causal: bool,
    /// Whether factors may be rounded to half precision before they are multiplied.
    pub half: bool,
}

impl Heads {
    /// Returns the factor of the scores, `1 / sqrt(width)`.
    fn scale(&self) -> f32 {
        1.0 / (self.width as f32).sqrt()
    }

    /// Returns the multiply-adds of one product of a head.
    fn products(&self) -> usize {
        self.queries * self.keys * self.width
    }

    /// Returns how many keys from `first` on query `i` sees; it may be more than there are.
    fn visible(&self, i: usize, first: usize) -> usize {
        if self.causal { (i + 1).saturating_sub(first) } else { self.keys }
    }
}

/// Tokens of all heads with any strides, except that the values of a token's head are contiguous.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    data: &'a [f32],
    start: usize,
    /// The distances between batch items, between heads and between tokens.
    apart: [usize; 3],
    sizes: [usize; 3],
    width: usize,
}

impl<'a> View<'a> {
    /// `sizes`: batch, heads, tokens, width of a head.
    ///
    /// # Panics
    ///
    /// Panics if the last value is beyond the end of the slice.
    pub fn new(data: &'a [f32], start: usize, apart: [usize; 3], [batch, heads, tokens, width]: [usize; 4]) -> Self {
        let sizes = [batch, heads, tokens];
        let last: usize = sizes.iter().zip(apart).map(|(size, apart)| size.saturating_sub(1) * apart).sum();
        assert!(
            sizes.contains(&0) || start + last + width <= data.len(),
            "{sizes:?} tokens of width {width} at {start} with strides {apart:?} exceed {} values",
            data.len()
        );
        Self { data, start, apart, sizes, width }
    }

    fn has(&self, heads: &Heads, tokens: usize) -> bool {
        self.sizes == [heads.batch, heads.heads, tokens] && self.width == heads.width
    }

    /// Returns the tokens of one head.
    fn head(&self, batch: usize, head: usize) -> Tokens<'a> {
        assert!(batch < self.sizes[0] && head < self.sizes[1]);
        let from = &self.data[self.start + batch * self.apart[0] + head * self.apart[1]..];
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
    /// Copies `count` tokens, times `factor`, to rows of `wide` values. Values beyond a token's width stay as they are.
    #[inline(always)]
    fn rows(&self, first: usize, count: usize, factor: f32, to: &mut [f32], wide: usize) {
        for (i, to) in to.chunks_exact_mut(wide).take(count).enumerate() {
            let from = &self.from[(first + i) * self.apart..][..self.width];
            for (to, from) in to.iter_mut().zip(from) {
                *to = factor * from;
            }
        }
    }

    /// Rounds `count` tokens to pairs in rows of `wide` pairs. Pairs beyond a token's width stay as they are.
    #[inline(always)]
    fn narrow_rows<V: Vector>(&self, first: usize, count: usize, to: &mut [f32], wide: usize) {
        for (i, to) in to.chunks_exact_mut(wide).take(count).enumerate() {
            narrow::<V>(&self.from[(first + i) * self.apart..][..self.width], &mut to[..self.width / 2]);
        }
    }

    /// Copies `count` tokens to panels of two vectors of tokens, `[width, tokens]` each.
    ///
    /// Values beyond the tokens in the last panel stay as they are.
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

/// Splits `memory` into pieces of these lengths, all filled with zeros. Each starts at a cache line.
fn pieces<const N: usize>(memory: &mut Vec<f32>, lengths: [usize; N]) -> [&mut [f32]; N] {
    let whole = |length: usize| length.next_multiple_of(LINE);
    let mut rest = aligned(memory, lengths.map(whole).iter().sum());
    rest.fill(0.0);
    lengths.map(|length| {
        let (piece, others) = std::mem::take(&mut rest).split_at_mut(whole(length));
        rest = others;
        &mut piece[..length]
    })
}
