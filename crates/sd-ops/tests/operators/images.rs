//! The kernels for images against Burn's own operations and their derivatives.

use burn::tensor::activation::silu;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, FloatDType, Tensor, TensorData};
use sd_ops::{Padding, conv2d, group_norm, group_norm_silu};

use crate::common::{between, compare, distance, random};

/// Tolerance for sums of up to 2304 products in single precision, in another order. The largest difference seen is 2e-6.
const CLOSE: f64 = 1e-5;

fn theirs(x: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>, stride: usize, padding: Padding) -> Tensor<4> {
    let Padding { top, left, bottom, right } = padding;
    let options = ConvOptions::new_with_padding([stride; 2], [(top, bottom), (left, right)], [1; 2], 1);
    burn::tensor::module::conv2d(x, weight, Some(bias), options)
}

/// Compares output and gradients of one convolution.
fn check_convolution(x: Tensor<4>, outputs: usize, kernel: usize, stride: usize, padding: Padding) {
    check_within(CLOSE, x, outputs, kernel, stride, padding);
}

fn check_within(close: f64, x: Tensor<4>, outputs: usize, kernel: usize, stride: usize, padding: Padding) {
    let device = x.device();
    let weight = random([outputs, x.dims()[1], kernel, kernel], &device).require_grad();
    let bias = random([outputs], &device).require_grad();
    let x = x.detach().require_grad();
    let case = format!("{:?} to {outputs}, kernel {kernel}, stride {stride}, {padding:?}", x.dims());

    let ours = conv2d(x.clone(), weight.clone(), Some(bias.clone()), stride, padding);
    let theirs = theirs(x.clone(), weight.clone(), bias.clone(), stride, padding);
    let (apart, gradients) = compare(ours, theirs);
    let distances = [apart, between(&x, &gradients), between(&weight, &gradients), between(&bias, &gradients)];
    assert!(distances.iter().all(|&d| d < close), "{case}: {distances:?}");
}

#[test]
fn convolutions_of_odd_shapes_and_their_gradients_are_burns() {
    let device = Device::flex().autodiff();
    let asymmetric = Padding { bottom: 1, right: 1, ..Padding::around(0) };
    for (batch, [inputs, outputs]) in [(1, [1, 1]), (2, [3, 5]), (3, [8, 24]), (1, [24, 8]), (2, [5, 70])] {
        for [height, width] in [[1, 1], [2, 3], [4, 4], [5, 7], [8, 8], [9, 12], [16, 17]] {
            for (kernel, stride, padding) in [
                (3, 1, Padding::around(1)),
                (3, 2, Padding::around(1)),
                (3, 2, asymmetric),
                (1, 1, Padding::around(0)),
                (1, 2, Padding::around(0)),
                (3, 1, Padding::around(2)),
            ] {
                let below = height.min(width) + padding.top + padding.bottom < kernel;
                if !below {
                    check_convolution(
                        random([batch, inputs, height, width], &device),
                        outputs,
                        kernel,
                        stride,
                        padding,
                    );
                }
            }
        }
    }
}

#[test]
fn more_terms_than_fit_a_block_are_summed_once_each() {
    let device = Device::flex().autodiff();
    for [channels, height, width] in [[256, 4, 4], [150, 3, 11], [200, 2, 2]] {
        check_convolution(random([2, channels, height, width], &device), 20, 3, 1, Padding::around(1));
    }
}

#[test]
fn wide_layers_go_by_tiles_both_ways() {
    let device = Device::flex().autodiff();
    for (shape, outputs, padding) in [
        ([2, 130, 19, 22], 137, Padding::around(1)),
        ([1, 128, 68, 65], 128, Padding { bottom: 2, right: 1, ..Padding::around(0) }),
    ] {
        // The transforms cost two bits.
        check_within(3e-5, random(shape, &device), outputs, 3, 1, padding);
    }
}

#[test]
fn views_are_convolved_as_what_they_show() {
    let device = Device::flex().autodiff();
    let x = random([7, 9, 2, 5], &device).permute([2, 3, 0, 1]);
    check_convolution(x, 8, 3, 1, Padding::around(1));
    let x = random([3, 6, 8, 8], &device).slice([1..3, 2..6, 0..8, 1..8]);
    check_convolution(x.clone(), 4, 3, 2, Padding::around(1));
    check_convolution(x, 4, 1, 1, Padding::around(0));
}

#[test]
fn a_convolution_without_a_bias_adds_none() {
    let device = Device::flex();
    let (x, weight) = (random([1, 3, 6, 6], &device), random([4, 3, 3, 3], &device));
    let ours = conv2d(x.clone(), weight.clone(), None, 1, Padding::around(1));
    let zeros = Tensor::zeros([4], &device);
    assert!(distance(ours, theirs(x, weight, zeros, 1, Padding::around(1))) < CLOSE);
}

#[test]
fn many_threads_make_the_same_of_large_images() {
    let device = Device::flex().autodiff();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().expect("threads can be started");
    pool.install(|| check_convolution(random([2, 24, 40, 40], &device), 12, 3, 1, Padding::around(1)));
}

#[test]
fn the_other_precision_is_burns_own_and_agrees() {
    let device = Device::flex();
    let (x, weight, bias) = (random([2, 5, 6, 7], &device), random([4, 5, 3, 3], &device), random([4], &device));
    let ours = conv2d(x.clone(), weight.clone(), Some(bias.clone()), 1, Padding::around(1));
    let double = conv2d(
        x.cast(FloatDType::F64),
        weight.cast(FloatDType::F64),
        Some(bias.cast(FloatDType::F64)),
        1,
        Padding::around(1),
    );
    assert!(distance(ours.cast(FloatDType::F64), double) < 1e-6);
}

/// Bf16 has 8 bits, f16 has 11.
#[test]
fn weights_in_half_precision_are_near_those_in_single() {
    let device = Device::flex();
    // Term by term, pointwise, with many weights, and with Winograd's tiles.
    for (inputs, outputs, edge, kernel, stride) in
        [(3, 5, 9, 3, 1), (33, 20, 8, 1, 1), (240, 250, 6, 3, 2), (40, 33, 20, 3, 1)]
    {
        let x = random([2, inputs, edge, edge], &device);
        let (weight, bias) = (random([outputs, inputs, kernel, kernel], &device), random([outputs], &device));
        let padding = Padding::around(kernel / 2);
        let single = conv2d(x.clone(), weight.clone(), Some(bias.clone()), stride, padding);
        for (dtype, close) in [(FloatDType::BF16, 1e-2), (FloatDType::F16, 1e-3)] {
            let half = conv2d(x.clone(), weight.clone().cast(dtype), Some(bias.clone()), stride, padding);
            assert_eq!(FloatDType::from(half.dtype()), FloatDType::F32);
            let apart = distance(half, single.clone());
            assert!(apart > 0.0 && apart < close, "{inputs} to {outputs}, kernel {kernel}, {dtype:?}: {apart}");
        }
    }
}

fn norm_in_tensors(x: Tensor<4>, gamma: Tensor<1>, beta: Tensor<1>, groups: usize, eps: f64) -> Tensor<4> {
    let [batch, channels, height, width] = x.dims();
    let x = x.reshape([batch, groups, channels / groups * height * width]);
    let centred = x.clone() - x.mean_dim(2);
    let unit = centred.clone() / (centred.square().mean_dim(2) + eps).sqrt();
    let parameter = |p: Tensor<1>| p.reshape([1, channels, 1, 1]);
    unit.reshape([batch, channels, height, width]) * parameter(gamma) + parameter(beta)
}

#[test]
fn norms_of_odd_shapes_and_their_gradients_are_burns() {
    let device = Device::flex().autodiff();
    for ([batch, channels, height, width], groups) in [
        ([1, 2, 1, 2], 1),
        ([2, 6, 3, 5], 3),
        ([3, 8, 4, 4], 8),
        ([1, 24, 16, 17], 8),
        ([2, 5, 1, 1], 1),
        ([2, 64, 33, 9], 32),
    ] {
        for with_silu in [false, true] {
            // Far from zero, so that a careless variance would show.
            let x = (random([batch, channels, height, width], &device) * 2.0 + 30.0).detach().require_grad();
            let gamma = random([channels], &device).require_grad();
            let beta = random([channels], &device).require_grad();
            let norm = if with_silu { group_norm_silu } else { group_norm };
            let ours = norm(x.clone(), gamma.clone(), beta.clone(), groups, 1e-5);
            let theirs = norm_in_tensors(x.clone(), gamma.clone(), beta.clone(), groups, 1e-5);
            let theirs = if with_silu { silu(theirs) } else { theirs };
            let (apart, gradients) = compare(ours, theirs);
            let distances = [apart, between(&x, &gradients), between(&gamma, &gradients), between(&beta, &gradients)];
            // Subtracting the mean of 30 costs four bits.
            assert!(distances.iter().all(|&d| d < 3e-5), "{:?} in {groups}: {distances:?}", x.dims());
        }
    }
}

/// Far from zero, the error of a mean in half precision would exceed the values' distance from it.
#[test]
fn statistics_of_values_in_half_precision_are_in_single() {
    let device = Device::flex();
    let x = random([1, 8, 16, 17], &device) * 2.0 + 300.0;
    let [gamma, beta] = [(); 2].map(|()| random([8], &device));
    for (dtype, close) in [(FloatDType::BF16, 2e-2), (FloatDType::F16, 2e-3)] {
        let rounded = x.clone().cast(dtype);
        let half = group_norm(rounded.clone(), gamma.clone().cast(dtype), beta.clone().cast(dtype), 2, 1e-5);
        let single = group_norm(rounded.cast(FloatDType::F32), gamma.clone(), beta.clone(), 2, 1e-5);
        let apart = distance(single, half.cast(FloatDType::F32));
        assert!(apart < close, "{dtype:?} {apart}");
    }
}

/// Central differences in double precision, where all operators are Burn's own, against the kernels' gradients.
#[test]
fn gradients_are_the_slopes_of_a_whole_block() {
    let single = Device::flex().autodiff();
    let shapes = [vec![2, 4, 5, 5], vec![6, 4, 3, 3], vec![6], vec![4], vec![4]];
    let values: Vec<Vec<f64>> = shapes
        .iter()
        .map(|shape| random([shape.iter().product()], &Device::flex()).into_data().iter::<f64>().collect())
        .collect();
    let block = |x: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>, gamma: Tensor<1>, beta: Tensor<1>| {
        let x = group_norm_silu(x, gamma, beta, 2, 1e-5);
        conv2d(x, weight, Some(bias), 2, Padding::around(1)).square().mean()
    };
    let double = |values: &[Vec<f64>]| {
        let device = Device::flex();
        let four = |i: usize| {
            let data = TensorData::new(values[i].clone(), shapes[i].clone());
            Tensor::<4>::from_data(data, (&device, burn::tensor::DType::F64))
        };
        let one = |i: usize| {
            let data = TensorData::new(values[i].clone(), shapes[i].clone());
            Tensor::<1>::from_data(data, (&device, burn::tensor::DType::F64))
        };
        block(four(0), four(1), one(2), one(3), one(4)).into_scalar::<f64>()
    };
    let four = |i: usize| {
        Tensor::<4>::from_data(TensorData::new(values[i].clone(), shapes[i].clone()), &single).require_grad()
    };
    let one = |i: usize| {
        Tensor::<1>::from_data(TensorData::new(values[i].clone(), shapes[i].clone()), &single).require_grad()
    };
    let (x, weight, bias, gamma, beta) = (four(0), four(1), one(2), one(3), one(4));
    let found = block(x.clone(), weight.clone(), bias.clone(), gamma.clone(), beta.clone()).backward();
    let gradients = [
        x.grad(&found).unwrap().into_data(),
        weight.grad(&found).unwrap().into_data(),
        bias.grad(&found).unwrap().into_data(),
        gamma.grad(&found).unwrap().into_data(),
        beta.grad(&found).unwrap().into_data(),
    ];
    for (i, gradient) in gradients.iter().enumerate() {
        let gradient: Vec<f64> = gradient.iter::<f64>().collect();
        let largest = gradient.iter().fold(0.0_f64, |most, g| most.max(g.abs()));
        for at in (0..gradient.len()).step_by(gradient.len().div_ceil(20)) {
            let step = 1e-5;
            let [below, above] = [-step, step].map(|step| {
                let mut moved = values.clone();
                moved[i][at] += step;
                double(&moved)
            });
            let slope = (above - below) / (2.0 * step);
            assert!((slope - gradient[at]).abs() < 3e-6 * largest, "input {i}, {at}: {slope} and {}", gradient[at]);
        }
    }
}

/// Threads that wait for a part of one convolution start another.
#[test]
fn convolutions_at_the_same_time_do_not_disturb_each_other() {
    use rayon::prelude::*;

    let device = Device::flex();
    let (x, weight) = (random([1, 160, 8, 8], &device), random([400, 160, 3, 3], &device));
    let convolve = || conv2d(x.clone(), weight.clone(), None, 1, Padding::around(1));
    let alone = convolve();
    let apart = (0..16).into_par_iter().map(|_| distance(convolve(), alone.clone())).reduce(|| 0.0, f64::max);
    assert_eq!(apart, 0.0);
}

#[test]
fn no_images_are_no_images() {
    let device = Device::flex();
    for [outputs, inputs, kernel] in [[3, 4, 1], [400, 160, 3], [3, 4, 3]] {
        let (x, weight) =
            (Tensor::zeros([0, inputs, 8, 8], &device), random([outputs, inputs, kernel, kernel], &device));
        assert_eq!(conv2d(x, weight, None, 1, Padding::around(kernel / 2)).dims(), [0, outputs, 8, 8]);
    }
}
