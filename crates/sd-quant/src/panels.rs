use crate::BlockKind;
use crate::scale::scale;

/// Weights in `q8_0` whose outputs lie side by side, 16 in each panel, as products of integers read them.
///
/// A panel has the blocks of its outputs one after the other along the inputs. Of each block of 32 inputs it has
/// the integers, `[8, 16 outputs, 4 inputs]`, and then the 16 scales in half precision. So they are the bytes of the blocks in
/// another order, 8.5 bits a weight.
#[derive(Debug, Clone, Copy)]
pub struct Panels<'a> {
    bytes: &'a [u8],
    /// Blocks of an output.
    blocks: usize,
}

/// Outputs of a panel.
const OUTPUTS: usize = 16;
/// Inputs of a block.
const INPUTS: usize = 32;
/// Bytes of a block of one output.
const BLOCK: usize = 34;

impl<'a> Panels<'a> {
    /// Outputs of a panel.
    pub const OUTPUTS: usize = OUTPUTS;
    /// Bytes of 16 outputs of 32 inputs; no [`BlockKind`] has as many.
    pub const BYTES: usize = Self::OUTPUTS * BLOCK;
    /// Bytes of these that are integers.
    pub const INTEGERS: usize = Self::OUTPUTS * INPUTS;

    /// Returns whether such weights, `[outputs, inputs]`, fill whole panels and blocks.
    pub fn fit(kind: BlockKind, [outputs, inputs]: [usize; 2]) -> bool {
        let is_whole = outputs.is_multiple_of(Self::OUTPUTS) && inputs.is_multiple_of(INPUTS);
        kind == BlockKind::Q8_0 && is_whole && outputs * inputs > 0
    }

    /// Rearranges blocks, output by output, into panels, in place. Each panel takes the bytes that its outputs had, so parts of
    /// whole panels can be rearranged one by one.
    ///
    /// # Panics
    ///
    /// Panics unless the bytes are whole panels of outputs with so many inputs.
    pub fn pack(bytes: &mut [u8], inputs: usize) {
        let panel = Self::bytes_of_panel(inputs);
        assert!(panel > 0 && bytes.len().is_multiple_of(panel), "{} bytes, {inputs} inputs", bytes.len());
        let blocks = inputs / INPUTS;
        let mut old = vec![0; panel];
        for panel in bytes.chunks_exact_mut(panel) {
            old.copy_from_slice(panel);
            for (b, to) in panel.chunks_exact_mut(Self::BYTES).enumerate() {
                let (integers, scales) = to.split_at_mut(Self::INTEGERS);
                for output in 0..Self::OUTPUTS {
                    let block = &old[(output * blocks + b) * BLOCK..][..BLOCK];
                    scales[2 * output..][..2].copy_from_slice(&block[..2]);
                    for (k, four) in block[2..].as_chunks::<4>().0.iter().enumerate() {
                        integers[4 * (k * Self::OUTPUTS + output)..][..4].copy_from_slice(four);
                    }
                }
            }
        }
    }

    /// Returns the bytes of a panel of outputs with so many inputs.
    pub fn bytes_of_panel(inputs: usize) -> usize {
        inputs / INPUTS * Self::BYTES
    }

    /// # Panics
    ///
    /// Panics unless the bytes are whole panels of outputs with so many inputs.
    pub fn new(bytes: &'a [u8], inputs: usize) -> Self {
        let panel = Self::bytes_of_panel(inputs);
        let is_whole = panel > 0 && inputs.is_multiple_of(INPUTS) && bytes.len().is_multiple_of(panel);
        assert!(is_whole, "{} bytes are no panels of outputs with {inputs} inputs", bytes.len());
        Self { bytes, blocks: inputs / INPUTS }
    }

    /// Returns the number of panels.
    #[expect(clippy::len_without_is_empty, reason = "nothing asks")]
    pub fn len(&self) -> usize {
        self.bytes.len() / (self.blocks * Self::BYTES)
    }

    /// Returns the blocks of each output.
    pub fn blocks(&self) -> usize {
        self.blocks
    }

    /// Returns the integers of a block, `[8, 16 outputs, 4 inputs]`, as bytes, and the scales of its outputs.
    ///
    /// # Panics
    ///
    /// Panics if there are fewer panels or blocks.
    #[inline(always)]
    pub fn block(&self, panel: usize, block: usize) -> (&'a [u8; OUTPUTS * INPUTS], [f32; OUTPUTS]) {
        assert!(block < self.blocks, "block {block} of {}", self.blocks);
        let bytes = &self.bytes[(panel * self.blocks + block) * Self::BYTES..][..Self::BYTES];
        let (integers, scales) = bytes.split_at(Self::INTEGERS);
        let integers = integers.try_into().expect("so many integers");
        (integers, std::array::from_fn(|output| scale(scales, 2 * output)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Blocks;

    #[test]
    fn a_panel_has_the_weights_of_its_blocks() {
        let [outputs, inputs] = [48, 96];
        let values: Vec<f32> = (0..outputs * inputs).map(|i| ((i * i) as f32 * 0.37).sin()).collect();
        let blocks = BlockKind::Q8_0.quantize(&values).unwrap();
        let mut wide = vec![0.0; values.len()];
        Blocks::new(BlockKind::Q8_0, &blocks).widen(0, &mut wide);
        let mut packed = blocks.clone();
        // The second and third panel on their own.
        let (first, others) = packed.split_at_mut(Panels::bytes_of_panel(inputs));
        for part in [first, others] {
            Panels::pack(part, inputs);
        }
        let panels = Panels::new(&packed, inputs);
        assert_eq!((panels.len(), panels.blocks(), packed.len()), (3, 3, blocks.len()));
        for (at, expected) in wide.into_iter().enumerate() {
            let (output, input) = (at / inputs, at % inputs);
            let (integers, scales) = panels.block(output / 16, input / 32);
            let integer = integers[(input % 32 / 4 * 16 + output % 16) * 4 + input % 4] as i8;
            assert_eq!(f32::from(integer) * scales[output % 16], expected, "{output}, {input}");
        }
    }

    #[test]
    fn only_whole_panels_of_q8_0_fit() {
        assert!(Panels::fit(BlockKind::Q8_0, [32, 64]) && !Panels::fit(BlockKind::Q4_0, [32, 64]));
        assert!(!Panels::fit(BlockKind::Q8_0, [24, 64]) && !Panels::fit(BlockKind::Q8_0, [32, 48]));
        assert!(BlockKind::of_bytes(Panels::BYTES).is_none());
    }
}
