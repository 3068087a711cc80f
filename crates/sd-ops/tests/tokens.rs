//! The kernels for tokens against Burn's own operations and their derivatives.

mod common;

use burn::tensor::activation::{gelu, sigmoid};
use burn::tensor::{Device, FloatDType, Tensor};
use common::{distance, random};

/// Compares what two functions of `inputs` give, and the gradients of the inputs.
fn check<const D: usize, const N: usize>(
    case: &str,
    inputs: [Tensor<D>; N],
    ours: impl Fn([Tensor<D>; N]) -> Tensor<D>,
    theirs: impl Fn([Tensor<D>; N]) -> Tensor<D>,
    close: f64,
) {
    let inputs = inputs.map(|x| x.detach().require_grad());
    let (ours, theirs) = (ours(inputs.clone()), theirs(inputs.clone()));
    let slope = random(theirs.dims(), &theirs.device());
    let ours_found = (ours.clone() * slope.clone()).sum().backward();
    let found = (theirs.clone() * slope).sum().backward();
    let apart = distance(ours.inner(), theirs.inner());
    assert!(apart < close, "{case}: {apart}");
    for (i, x) in inputs.iter().enumerate() {
        let apart = distance(x.grad(&ours_found).unwrap(), x.grad(&found).unwrap());
        assert!(apart < close, "{case}, gradient {i}: {apart}");
    }
}

fn geglu_in_tensors<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let [x, gate] = x.chunk(2, D - 1).try_into().unwrap();
    x * gelu(gate)
}

/// The normal distribution's 3e-7, of numbers whose largest is about 3, and single precision's roundings.
const CLOSE: f64 = 1e-6;

#[test]
fn functions_of_odd_shapes_and_their_gradients_are_burns() {
    let device = Device::flex().autodiff();
    for shape in [[1, 1, 2], [2, 3, 10], [3, 5, 48], [1, 16, 256], [2, 1024, 70]] {
        let x = || [random(shape, &device) * 2.0];
        check(&format!("gelu {shape:?}"), x(), |[x]| sd_ops::gelu(x), |[x]| gelu(x), CLOSE);
        let quick = |[x]: [Tensor<3>; 1]| x.clone() * sigmoid(x * 1.702);
        check(&format!("quick gelu {shape:?}"), x(), |[x]| sd_ops::quick_gelu(x), quick, CLOSE);
        check(&format!("geglu {shape:?}"), x(), |[x]| sd_ops::geglu(x), |[x]| geglu_in_tensors(x), CLOSE);
    }
}

#[test]
fn functions_of_views_are_those_of_what_they_show() {
    let device = Device::flex().autodiff();
    let x = || [random([6, 5, 9], &device).permute([1, 2, 0]).slice([1..4, 0..9, 0..4])];
    check("gelu", x(), |[x]| sd_ops::gelu(x), |[x]| gelu(x), CLOSE);
    let turned = |[x]: [Tensor<3>; 1]| sd_ops::geglu(x.swap_dims(1, 2).swap_dims(0, 2).slice([0..9, 0..4, 0..2]));
    let theirs = |[x]: [Tensor<3>; 1]| geglu_in_tensors(x.swap_dims(1, 2).swap_dims(0, 2).slice([0..9, 0..4, 0..2]));
    check("geglu", x(), turned, theirs, CLOSE);
}

fn norm_in_tensors(x: Tensor<3>, gamma: Tensor<1>, beta: Tensor<1>, eps: f64) -> Tensor<3> {
    let centred = x.clone() - x.mean_dim(2);
    let unit = centred.clone() / (centred.square().mean_dim(2) + eps).sqrt();
    unit * gamma.unsqueeze() + beta.unsqueeze()
}

#[test]
fn layer_norms_of_odd_shapes_and_their_gradients_are_burns() {
    let device = Device::flex().autodiff();
    for shape in [[1, 1, 3], [2, 3, 8], [3, 5, 70], [2, 77, 48], [4, 1100, 32]] {
        // Off centre, so that a careless variance would show; it takes three bits off what is left of it.
        let x = random(shape, &device) * 2.0 + 10.0;
        let parameter = || random([1, 1, shape[2]], &device);
        let with = |norm: fn(Tensor<3>, Tensor<1>, Tensor<1>, f64) -> Tensor<3>| {
            move |[x, gamma, beta]: [Tensor<3>; 3]| {
                let [gamma, beta] = [gamma, beta].map(|p| p.flatten::<1>(0, 2));
                norm(x, gamma, beta, 1e-5)
            }
        };
        let inputs = [x, parameter(), parameter()];
        check(&format!("{shape:?}"), inputs, with(sd_ops::layer_norm), with(norm_in_tensors), 3e-5);
    }
}

#[test]
fn other_precisions_are_burns_own_and_agree() {
    let device = Device::flex();
    for (dtype, close) in [(FloatDType::F64, 1e-6), (FloatDType::F16, 2e-3)] {
        let x = random([2, 5, 16], &device);
        let [gamma, beta] = [(); 2].map(|()| random([16], &device));
        let single = |x: Tensor<3>| x.cast(FloatDType::F64);
        for function in [sd_ops::gelu, sd_ops::quick_gelu, sd_ops::geglu] {
            let other = function(x.clone().cast(dtype));
            assert_eq!(FloatDType::from(other.dtype()), dtype);
            assert!(distance(single(function(x.clone())), single(other)) < close);
        }
        let ours = sd_ops::layer_norm(x.clone(), gamma.clone(), beta.clone(), 1e-5);
        let other = sd_ops::layer_norm(x.cast(dtype), gamma.cast(dtype), beta.cast(dtype), 1e-5);
        assert!(distance(single(ours), single(other)) < close);
    }
}
