use std::ops::Range;

use crate::random::{Purpose, Stream};

/// The image of each draw, where images of different sizes cannot be in one pass: each pass shows images of one bucket, in a new random
/// order every epoch. Where the images of a bucket do not fill its last pass of an epoch, its first ones are shown once more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BucketOrder {
    /// The images of each bucket; an image may come several times.
    buckets: Vec<Vec<usize>>,
    /// Draws in each pass.
    each: usize,
    seed: u64,
}

impl BucketOrder {
    /// # Panics
    ///
    /// Panics if there are no buckets, if one is empty, or if a pass has no draws.
    pub fn new(buckets: Vec<Vec<usize>>, each: usize, seed: u64) -> Self {
        assert!(!buckets.is_empty() && buckets.iter().all(|images| !images.is_empty()), "no images to train on");
        assert!(each > 0, "passes without draws");
        Self { buckets, each, seed }
    }

    /// Returns the images of draws, which are counted over the whole training; all are of one bucket.
    ///
    /// # Panics
    ///
    /// Panics if the draws are not of one pass.
    pub fn images(&self, draws: Range<u64>) -> Vec<usize> {
        let each = self.each as u64;
        let (pass, last) = (draws.start / each, (draws.end - 1) / each);
        assert_eq!(pass, last, "draws of several passes, which may be of several buckets");
        let in_epoch = self.buckets.iter().map(|images| self.fill(images)).sum::<usize>() as u64;
        let (bucket, images) = self.passes(pass / in_epoch).swap_remove((pass % in_epoch) as usize);
        let place = |draw: u64| images[(draw % each) as usize];
        draws.map(|draw| self.buckets[bucket][place(draw)]).collect()
    }

    /// Returns the number of passes that the images of a bucket fill in an epoch.
    fn fill(&self, images: &[usize]) -> usize {
        images.len().div_ceil(self.each)
    }

    /// Returns the passes of an epoch: the bucket of each, and the places of its images in it.
    fn passes(&self, epoch: u64) -> Vec<(usize, Vec<usize>)> {
        let streams = self.buckets.len() as u64 + 1;
        let stream = |number: u64| Stream::new(self.seed, Purpose::Order, epoch * streams + number);
        let mut passes: Vec<(usize, Vec<usize>)> = Vec::new();
        for (bucket, images) in self.buckets.iter().enumerate() {
            let mut order: Vec<usize> = (0..images.len()).collect();
            stream(bucket as u64).shuffle(&mut order);
            let places = |pass: usize| (0..self.each).map(|i| order[(pass * self.each + i) % order.len()]).collect();
            passes.extend((0..self.fill(images)).map(|pass| (bucket, places(pass))));
        }
        stream(streams - 1).shuffle(&mut passes);
        passes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> BucketOrder {
        BucketOrder::new(vec![(0..7).collect(), (7..9).collect(), vec![9, 9, 9]], 3, 5)
    }

    /// Three passes of the first bucket, and one of each of the others.
    #[test]
    fn every_epoch_shows_every_image_in_passes_of_one_bucket() {
        let of = |image: usize| [0..7, 7..9, 9..10].iter().position(|bucket| bucket.contains(&image)).unwrap();
        let mut orders = Vec::new();
        for epoch in 0..4 {
            let passes: Vec<Vec<usize>> =
                (0..5).map(|pass| order().images(15 * epoch + 3 * pass..15 * epoch + 3 * pass + 3)).collect();
            for pass in &passes {
                assert!(pass.iter().all(|image| of(*image) == of(pass[0])), "{pass:?}");
            }
            let mut images = passes.concat();
            orders.push(images.clone());
            images.sort_unstable();
            images.dedup();
            assert_eq!(images, (0..10).collect::<Vec<_>>());
        }
        assert!(orders.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn parts_of_a_pass_are_pieces_of_it() {
        assert_eq!([order().images(6..7), order().images(7..9)].concat(), order().images(6..9));
    }

    #[test]
    #[should_panic(expected = "draws of several passes")]
    fn draws_of_several_passes_are_refused() {
        order().images(2..4);
    }
}
