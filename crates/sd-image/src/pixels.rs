use crate::{Image, Mask};

/// What images and masks have in common.
pub trait Pixels: Clone {
    /// Bytes of a pixel.
    const CHANNELS: usize;

    fn new(width: usize, height: usize, bytes: Vec<u8>) -> Self;

    /// Width and height.
    fn size(&self) -> (usize, usize);

    fn bytes(&self) -> &[u8];

    fn bytes_mut(&mut self) -> &mut [u8];

    /// Returns the rows, from the top.
    fn rows(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.bytes().chunks_exact(self.size().0 * Self::CHANNELS)
    }
}

impl Pixels for Image {
    const CHANNELS: usize = 3;

    fn new(width: usize, height: usize, rgb: Vec<u8>) -> Self {
        Self { width, height, rgb }
    }

    fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    fn bytes(&self) -> &[u8] {
        &self.rgb
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.rgb
    }
}

impl Pixels for Mask {
    const CHANNELS: usize = 1;

    fn new(width: usize, height: usize, values: Vec<u8>) -> Self {
        Self { width, height, values }
    }

    fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    fn bytes(&self) -> &[u8] {
        &self.values
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.values
    }
}
