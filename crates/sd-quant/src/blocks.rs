use crate::BlockKind;

/// Weights that are widened at a time.
const GROUP: usize = 32;

/// A view of weights in blocks, one block behind the other.
#[derive(Debug, Clone, Copy)]
pub struct Blocks<'a> {
    kind: BlockKind,
    bytes: &'a [u8],
    /// The place of the first weight in the first block.
    first: usize,
}

impl<'a> Blocks<'a> {
    /// # Panics
    ///
    /// Panics unless the bytes are whole blocks.
    pub fn new(kind: BlockKind, bytes: &'a [u8]) -> Self {
        assert!(bytes.len().is_multiple_of(kind.bytes()), "{} bytes are no blocks of {kind}", bytes.len());
        Self { kind, bytes, first: 0 }
    }

    /// Returns the kind of the blocks.
    pub fn kind(&self) -> BlockKind {
        self.kind
    }

    /// Returns the number of weights.
    #[inline(always)]
    #[expect(clippy::len_without_is_empty, reason = "nothing asks")]
    pub fn len(&self) -> usize {
        self.bytes.len() / self.kind.bytes() * self.kind.values() - self.first
    }

    /// Returns the weights from `start` on.
    ///
    /// # Panics
    ///
    /// Panics if there are fewer.
    pub fn skip(self, start: usize) -> Self {
        let (start, values) = (self.first + start, self.kind.values());
        Self { bytes: &self.bytes[start / values * self.kind.bytes()..], first: start % values, ..self }
    }

    /// Writes the weights from `start` on to `to`, in single precision.
    ///
    /// # Panics
    ///
    /// Panics if there are fewer than `to` has room for.
    #[inline(always)]
    pub fn widen(&self, start: usize, to: &mut [f32]) {
        // The kind is a constant of each arm, and so are the lengths in its loops.
        match self.kind {
            BlockKind::Q4_0 => self.widen_as(BlockKind::Q4_0, start, to),
            BlockKind::Q4_1 => self.widen_as(BlockKind::Q4_1, start, to),
            BlockKind::Q5_0 => self.widen_as(BlockKind::Q5_0, start, to),
            BlockKind::Q5_1 => self.widen_as(BlockKind::Q5_1, start, to),
            BlockKind::Q8_0 => self.widen_as(BlockKind::Q8_0, start, to),
            BlockKind::Q4_K => self.widen_as(BlockKind::Q4_K, start, to),
            BlockKind::Q5_K => self.widen_as(BlockKind::Q5_K, start, to),
            BlockKind::Q6_K => self.widen_as(BlockKind::Q6_K, start, to),
        }
    }

    #[inline(always)]
    fn widen_as(&self, kind: BlockKind, start: usize, to: &mut [f32]) {
        let start = self.first + start;
        // Usually, parts begin and end with a group.
        if !start.is_multiple_of(GROUP) || !to.len().is_multiple_of(GROUP) {
            return self.widen_ragged(start, to);
        }
        for (i, to) in to.chunks_exact_mut(GROUP).enumerate() {
            self.widen_group(kind, start / GROUP + i, to);
        }
    }

    /// Widens what begins or ends within a group; `start` counts from the first block.
    #[inline(never)]
    fn widen_ragged(&self, start: usize, to: &mut [f32]) {
        let (mut at, mut skipped, mut rest) = (start / GROUP, start % GROUP, to);
        while !rest.is_empty() {
            let mut wide = [0.0; GROUP];
            self.widen_group(self.kind, at, &mut wide);
            let (part, others) = rest.split_at_mut((GROUP - skipped).min(rest.len()));
            part.copy_from_slice(&wide[skipped..][..part.len()]);
            (at, skipped, rest) = (at + 1, 0, others);
        }
    }

    #[inline(always)]
    fn widen_group(&self, kind: BlockKind, group: usize, to: &mut [f32]) {
        let (groups, bytes) = (kind.values() / GROUP, kind.bytes());
        kind.widen_group(&self.bytes[group / groups * bytes..][..bytes], group % groups, to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_part_has_the_values_of_the_whole() {
        for kind in BlockKind::ALL {
            let count = 3 * kind.values();
            let bytes: Vec<u8> = (0..3 * kind.bytes()).map(|i| (i * 37 % 101) as u8 >> (i % 2)).collect();
            let mut whole = vec![0.0; count];
            let blocks = Blocks::new(kind, &bytes);
            blocks.widen(0, &mut whole);
            assert_eq!(blocks.len(), count);
            for (start, length) in [(0, 1), (5, 40), (31, 2), (kind.values() - 1, kind.values() + 2), (count - 1, 1)] {
                let mut part = vec![0.0; length];
                blocks.widen(start, &mut part);
                assert_eq!(part, whole[start..start + length], "{kind}, {start}");
                let later = blocks.skip(start);
                later.widen(0, &mut part);
                assert_eq!((part.as_slice(), later.len()), (&whole[start..start + length], count - start), "{kind}");
            }
        }
    }
}
