use burn::prelude::*;
use burn::tensor::IndexingUpdateOp;

/// Similar pixels that share one query, key and value (token merging: Bolya & Hoffman 2023,
/// [arXiv:2303.17604](https://arxiv.org/abs/2303.17604), section 3).
///
/// The upper left pixel of every 2×2 pixels is a destination. Of the others, the sources, those that are most like a destination are
/// merged into it: it becomes the mean. Nothing is random, as in `tomesd` with `use_rand=False`, so that an image has one result.
pub(crate) struct Merging {
    /// The places of the sources, then those of the destinations.
    places: Tensor<1, Int>,
    /// For each place, where it is in `places`.
    back: Tensor<1, Int>,
    sources: usize,
    merged: usize,
    /// The sources, the merged ones first: `[batch, sources, 1]`.
    order: Tensor<3, Int>,
    /// The destination of each merged source: `[batch, merged, 1]`.
    to: Tensor<3, Int>,
}

impl Merging {
    /// Chooses what is merged: `ratio` of all pixels, from 0 to below 0.75, of which no destination is; none if that is no pixel. `x`:
    /// `[batch, height·width, channels]`.
    pub fn new(x: &Tensor<3>, height: usize, width: usize, ratio: f64) -> Option<Self> {
        let destinations = (height / 2) * (width / 2);
        let merged = (height as f64 * width as f64 * ratio) as usize;
        if destinations == 0 || merged == 0 {
            return None;
        }
        let places = places(height, width);
        let sources = places.len() - destinations;
        let mut back = vec![0; places.len()];
        places.iter().enumerate().for_each(|(i, place)| back[*place as usize] = i as i32);
        let device = x.device();
        let [places, back] = [places, back].map(|indices| Tensor::<1, Int>::from_ints(indices.as_slice(), &device));
        let x = x.clone().select(1, places.clone());
        let x = x.clone() / (x.clone() * x).sum_dim(2).sqrt();
        let scores = x.clone().narrow(1, 0, sources).matmul(x.narrow(1, sources, destinations).swap_dims(1, 2));
        let (best, to) = scores.max_dim_with_indices(2);
        let order = best.argsort_descending(1);
        let to = to.gather(1, order.clone().narrow(1, 0, merged));
        Some(Self { places, back, sources, merged, order, to })
    }

    /// The pixels that are left, and the destinations: `[batch, height·width − merged, channels]`.
    pub fn merge(&self, x: Tensor<3>) -> Tensor<3> {
        let Self { sources, merged, .. } = *self;
        let [batch, pixels, channels] = x.dims();
        let x = x.select(1, self.places.clone());
        let to = x.clone().narrow(1, sources, pixels - sources);
        let from = x.narrow(1, 0, sources).gather(1, self.order.clone().expand([batch, sources, channels]));
        let ones = |pixels| Tensor::<3>::ones([batch, pixels, 1], (&to.device(), to.dtype()));
        let count = ones(pixels - sources).scatter(1, self.to.clone(), ones(merged), ADD);
        let index = self.to.clone().expand([batch, merged, channels]);
        let to = to.scatter(1, index, from.clone().narrow(1, 0, merged), ADD) / count;
        Tensor::cat(vec![from.narrow(1, merged, sources - merged), to], 1)
    }

    /// Gives merged pixels what their destinations have. `x`: as [`merge`](Self::merge) returns it.
    pub fn unmerge(&self, x: Tensor<3>) -> Tensor<3> {
        let Self { sources, merged, .. } = *self;
        let [batch, left, channels] = x.dims();
        let kept = sources - merged;
        let to = x.clone().narrow(1, kept, left - kept);
        let from = to.clone().gather(1, self.to.clone().expand([batch, merged, channels]));
        let from = Tensor::cat(vec![from, x.narrow(1, 0, kept)], 1);
        let inverse = self.order.clone().argsort(1).expand([batch, sources, channels]);
        Tensor::cat(vec![from.gather(1, inverse), to], 1).select(1, self.back.clone())
    }
}

const ADD: IndexingUpdateOp = IndexingUpdateOp::Add;

/// The sources of an image of this size, then its destinations, each row by row.
fn places(height: usize, width: usize) -> Vec<i32> {
    let is_destination = |place: &i32| {
        let (row, column) = (*place as usize / width, *place as usize % width);
        let is_whole = row < height / 2 * 2 && column < width / 2 * 2;
        is_whole && row.is_multiple_of(2) && column.is_multiple_of(2)
    };
    let (destinations, sources): (Vec<i32>, Vec<i32>) = (0..(height * width) as i32).partition(is_destination);
    sources.into_iter().chain(destinations).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(x: Tensor<3>) -> Vec<f32> {
        x.into_data().try_to_vec().unwrap()
    }

    fn pixels(values: &[f32]) -> Tensor<3> {
        Tensor::<1>::from_data(values, &Device::flex()).reshape([1, values.len() / 2, 2])
    }

    #[test]
    fn equal_pixels_are_merged_without_loss() {
        // Two pairs that point the same way, in a row of their own each; the third of the first four is like the first.
        let x = pixels(&[1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, -1.0, 0.0]);
        let merging = Merging::new(&x, 2, 4, 0.25).unwrap();
        let merged = merging.merge(x.clone());
        assert_eq!(merged.dims(), [1, 6, 2]);
        assert_eq!(values(merging.unmerge(merged)), values(x));
    }

    #[test]
    fn a_merged_pixel_and_its_destination_have_their_mean() {
        let x = pixels(&[2.0, 0.0, 4.0, 0.0, 0.0, 1.0, 0.0, -3.0]);
        let merging = Merging::new(&x, 2, 2, 0.25).unwrap();
        let back = merging.unmerge(merging.merge(x));
        assert_eq!(values(back), [3.0, 0.0, 3.0, 0.0, 0.0, 1.0, 0.0, -3.0]);
    }

    #[test]
    fn odd_sizes_have_destinations_in_whole_squares_alone() {
        assert_eq!(places(3, 3), [1, 2, 3, 4, 5, 6, 7, 8, 0]);
        assert_eq!(places(1, 3), [0, 1, 2]);
    }

    #[test]
    fn where_nothing_can_be_merged_nothing_is() {
        let x = pixels(&[1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0]);
        assert!(Merging::new(&x, 2, 2, 0.0).is_none());
        assert!(Merging::new(&x, 2, 2, 0.2).is_none());
        assert!(Merging::new(&x, 1, 4, 0.5).is_none());
    }
}
