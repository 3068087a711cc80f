//! Norms and convolutions of parts of an image, and of images that wrap around.

use burn::nn::PaddingConfig2d;
use burn::nn::conv::Conv2dConfig;
use burn::tensor::{Device, Tensor};
use sd_ops::{Edge, Edges, Moments, Wrap, concatenate, convolve, convolve_within, group_norm_silu};

use crate::common::{distance, random};

#[test]
fn the_norm_of_parts_with_joined_moments_is_the_norm_of_the_whole() {
    for device in [Device::flex(), Device::flex().autodiff()] {
        // A mean that is large beside the deviations, so that sums of squares would cancel.
        let x = random([2, 12, 9, 7], &device) + 100.0;
        let (gamma, beta) = (random([12], &device), random([12], &device));
        let whole = group_norm_silu(x.clone(), gamma.clone(), beta.clone(), 4, 1e-6);
        for height in [1, 4, 9] {
            let parts: Vec<_> = x.clone().split(height, 2);
            let moments = parts.iter().map(|part| Moments::of(part.clone(), 4)).reduce(Moments::join).unwrap();
            let norm = |part| moments.group_norm_silu(part, gamma.clone(), beta.clone(), 1e-6);
            let found = concatenate(parts.into_iter().map(norm).collect(), 2);
            let apart = distance(found, whole.clone());
            assert!(apart < 1e-4, "parts of {height} rows: {apart}");
        }
        let mean_square = x.clone().square().mean_dims(&[1, 2, 3]).sqrt().reshape([2]);
        assert!(distance(Moments::of(x, 4).root_mean_square(), mean_square) < 1e-6);
    }
}

/// Returns the image with so many pixels before and after it, as an edge says.
fn extended(x: Tensor<4>, axis: usize, edge: Edge, [before, after]: [usize; 2]) -> Tensor<4> {
    let length = x.dims()[axis];
    let opposite = [x.clone().slice_dim(axis, length - before..length), x.clone().slice_dim(axis, 0..after)];
    match edge {
        Edge::Cut => x,
        Edge::Zeros => {
            let [first, last] = opposite.map(|pixels| pixels.zeros_like());
            Tensor::cat(vec![first, x, last], axis)
        }
        Edge::Opposite => {
            let [first, last] = opposite;
            Tensor::cat(vec![first, x, last], axis)
        }
    }
}

#[test]
fn beyond_an_edge_are_zeros_or_opposite_pixels_or_nothing() {
    let device = Device::flex();
    let x = random([2, 3, 6, 8], &device);
    for (stride, [top, left, bottom, right]) in [(1, [1, 1, 1, 1]), (2, [0, 0, 1, 1]), (2, [1, 1, 1, 1])] {
        let config = Conv2dConfig::new([3, 5], [3, 3]).with_stride([stride, stride]);
        let conv = config.with_padding(PaddingConfig2d::Explicit(top, left, bottom, right)).init(&device);
        let mut bare = conv.clone();
        bare.padding = PaddingConfig2d::Valid;
        let all = [Edge::Zeros, Edge::Opposite, Edge::Cut];
        for (rows, sides) in all.into_iter().flat_map(|rows| all.map(|sides| (rows, sides))) {
            let edges = Edges { top: rows, bottom: rows, sides };
            let around = extended(extended(x.clone(), 2, rows, [top, bottom]), 3, sides, [left, right]);
            let apart = distance(convolve_within(&conv, x.clone(), edges), convolve(&bare, around));
            assert!(apart < 1e-6, "stride {stride}, {edges:?}: {apart}");
        }
        assert_eq!(Edges::from(Wrap::default()), Edges::default());
        let plain = convolve_within(&conv, x.clone(), Edges::default());
        assert_eq!(plain.into_data(), convolve(&conv, x.clone()).into_data());
    }
}
