use std::ops::Range;

use crate::random::{Purpose, Stream};

/// The image of each draw of a training: each image once per epoch, in a new random order every epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    images: usize,
    seed: u64,
}

impl Order {
    /// Creates the order of `images` images.
    ///
    /// # Panics
    ///
    /// Panics if there are none.
    pub fn new(images: usize, seed: u64) -> Self {
        assert!(images > 0, "no images to train on");
        Self { images, seed }
    }

    /// Returns the images of consecutive draws, counted over the whole training; a batch may span two epochs.
    pub fn images(&self, draws: Range<u64>) -> Vec<usize> {
        let count = self.images as u64;
        let epochs = draws.start / count..draws.end.div_ceil(count);
        let from_first = epochs.start * count;
        let order: Vec<usize> = epochs.flat_map(|epoch| self.epoch(epoch)).collect();
        order[(draws.start - from_first) as usize..(draws.end - from_first) as usize].to_vec()
    }

    /// Returns a permutation of the images.
    fn epoch(&self, epoch: u64) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.images).collect();
        Stream::new(self.seed, Purpose::Order, epoch).shuffle(&mut order);
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_epoch_shows_every_image_once() {
        let order = Order::new(50, 7);
        for epoch in 0..3 {
            let mut images = order.images(50 * epoch..50 * (epoch + 1));
            assert_ne!(images, (0..50).collect::<Vec<_>>());
            images.sort_unstable();
            assert_eq!(images, (0..50).collect::<Vec<_>>());
        }
        assert_ne!(order.images(0..50), order.images(50..100));
    }

    #[test]
    fn batches_are_pieces_of_one_sequence() {
        let order = Order::new(5, 1);
        let pieces = [order.images(0..3), order.images(3..9), order.images(9..12)].concat();
        assert_eq!(pieces, order.images(0..12));
    }
}
