use std::ops::Range;

use burn::tensor::{Device, Tensor};

use super::autoencoder::select;
use crate::Order;
use crate::bucket_order::BucketOrder;

/// Latents or images of one size or of several, one tensor `[images, channels, height, width]` for each size. Images are counted over all
/// of them.
#[derive(Debug, Clone)]
pub struct Buckets {
    tensors: Vec<Tensor<4>>,
    /// Draws in each pass.
    each: usize,
}

impl From<Tensor<4>> for Buckets {
    fn from(images: Tensor<4>) -> Self {
        Self { tensors: vec![images], each: 1 }
    }
}

impl Buckets {
    /// Creates buckets of several sizes. `each` is the number of draws in each pass, which has images of one size: the batch, divided by
    /// the number of passes.
    ///
    /// # Panics
    ///
    /// Panics if there are no buckets, or none of its images in one.
    pub fn new(tensors: Vec<Tensor<4>>, each: usize) -> Self {
        assert!(tensors.iter().all(|tensor| tensor.dims()[0] > 0) && !tensors.is_empty(), "no images to train on");
        Self { tensors, each }
    }

    /// Number of images.
    pub(super) fn len(&self) -> usize {
        self.tensors.iter().map(|tensor| tensor.dims()[0]).sum()
    }

    pub(super) fn device(&self) -> Device {
        self.tensors[0].device()
    }

    /// Returns the images at `indices`, which are all of one size.
    pub(super) fn select(&self, indices: &[usize]) -> Tensor<4> {
        let (tensor, range) =
            self.ranges().find(|(_, range)| range.contains(&indices[0])).expect("an image that is there");
        let places: Vec<usize> = indices.iter().map(|index| index - range.start).collect();
        select(tensor, &places)
    }

    /// Whether others have as many images, of the same sizes.
    pub(super) fn has_sizes_of(&self, other: &Self) -> bool {
        let size = |tensor: &Tensor<4>| {
            let [images, _, height, width] = tensor.dims();
            [images, height, width]
        };
        self.tensors.iter().map(size).eq(other.tensors.iter().map(size))
    }

    /// The order in which they are shown; `counts` says how often each comes in an epoch, once if there are none.
    pub(super) fn order(&self, counts: &[usize], seed: u64) -> Shown {
        let count = |image: usize| counts.get(image).copied().unwrap_or(1);
        let shown = |range: Range<usize>| range.flat_map(|image| std::iter::repeat_n(image, count(image))).collect();
        let places: Vec<Vec<usize>> = self.ranges().map(|(_, range)| shown(range)).collect();
        match <[Vec<usize>; 1]>::try_from(places) {
            Ok([places]) => Shown::Mixed { order: Order::new(places.len(), seed), places },
            Err(places) => Shown::ByBucket(BucketOrder::new(places, self.each, seed)),
        }
    }

    fn ranges(&self) -> impl Iterator<Item = (&Tensor<4>, Range<usize>)> {
        self.tensors.iter().scan(0, |first, tensor| {
            let range = *first..*first + tensor.dims()[0];
            *first = range.end;
            Some((tensor, range))
        })
    }
}

/// The order in which images are shown.
#[derive(Debug, Clone)]
pub(super) enum Shown {
    /// All of them mixed; `places` are the images of the places in the order.
    Mixed { order: Order, places: Vec<usize> },
    /// Those of one size in each pass.
    ByBucket(BucketOrder),
}

impl Shown {
    /// Returns the images of some draws.
    pub fn images(&self, draws: Range<u64>) -> Vec<usize> {
        match self {
            Self::Mixed { order, places } => order.images(draws).into_iter().map(|place| places[place]).collect(),
            Self::ByBucket(order) => order.images(draws),
        }
    }
}
