use burn::nn::{GroupNorm, GroupNormConfig};
use burn::tensor::activation::silu;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Distribution, Tensor};
use sd_ops::{Padding, group_norm_silu};

use crate::{best, line};

/// Batch, input and output channels, edge of the image, edge of the kernel, stride.
const CONVOLUTIONS: [[usize; 6]; 22] = [
    [4, 3, 24, 64, 3, 1],
    [4, 24, 24, 64, 3, 1],
    [4, 48, 24, 64, 3, 1],
    [4, 24, 3, 64, 3, 1],
    [4, 24, 24, 64, 3, 2],
    [4, 48, 48, 32, 3, 1],
    [4, 64, 64, 16, 3, 1],
    [4, 48, 24, 64, 1, 1],
    [16, 32, 32, 16, 3, 1],
    [16, 96, 32, 16, 3, 1],
    [16, 32, 32, 16, 3, 2],
    [16, 64, 64, 8, 3, 1],
    [16, 192, 64, 8, 3, 1],
    [16, 192, 64, 8, 1, 1],
    [16, 128, 128, 4, 3, 1],
    [16, 256, 128, 4, 3, 1],
    [16, 256, 128, 4, 1, 1],
    [2, 320, 320, 32, 3, 1],
    [2, 320, 320, 64, 3, 1],
    [2, 640, 640, 32, 3, 1],
    [2, 1280, 1280, 16, 3, 1],
    [1, 128, 128, 128, 3, 1],
];

/// Batch, channels, edge of the image, groups.
const NORMS: [[usize; 4]; 6] =
    [[4, 24, 64, 8], [4, 48, 32, 8], [4, 64, 16, 8], [16, 32, 16, 8], [16, 64, 8, 8], [16, 128, 4, 8]];

/// Prints a line for each shape whose name contains `wanted`.
pub fn rates(wanted: &str) {
    let (device, learning) = (Device::flex(), Device::flex().autodiff());
    println!("GFLOP/s: forward and, with gradients, forward and backward");
    for [batch, inputs, outputs, edge, kernel, stride] in CONVOLUTIONS {
        let name = format!("conv {kernel}x{kernel}/{stride} {inputs:3} -> {outputs:3} @{edge:2} x{batch:2}");
        if !name.contains(wanted) {
            continue;
        }
        let tensors = |device: &Device| {
            let random = |shape| Tensor::<4>::random(shape, Distribution::Normal(0.0, 1.0), device);
            let [x, weight] = [[batch, inputs, edge, edge], [outputs, inputs, kernel, kernel]].map(random);
            (x, weight, Tensor::<1>::zeros([outputs], device))
        };
        let border = kernel / 2;
        let ours = |(x, weight, bias): (Tensor<4>, Tensor<4>, Tensor<1>)| {
            sd_ops::conv2d(x, weight, Some(bias), stride, Padding::around(border))
        };
        let burns = |(x, weight, bias): (Tensor<4>, Tensor<4>, Tensor<1>)| {
            let options = ConvOptions::new([stride; 2], [border; 2], [1; 2], 1);
            burn::tensor::module::conv2d(x, weight, Some(bias), options)
        };
        let plain = tensors(&device);
        let out = edge / stride;
        let operations = 2e-9 * (batch * inputs * outputs * out * out * kernel * kernel) as f64;
        let forward = best([&|| drop(ours(plain.clone())), &|| drop(burns(plain.clone()))]);
        let (x, weight, bias) = tensors(&learning);
        let (x, weight, bias) = (x.require_grad(), weight.require_grad(), bias.require_grad());
        let both = best([&|| drop(ours((x.clone(), weight.clone(), bias.clone())).sum().backward()), &|| {
            drop(burns((x.clone(), weight.clone(), bias.clone())).sum().backward())
        }]);
        let rates = |seconds: [f64; 2], times| seconds.map(|s| times * operations / s);
        line(&name, rates(forward, 1.0), rates(both, 3.0));
    }
    println!("ns per thousand values");
    for [batch, channels, edge, groups] in NORMS {
        let name = format!("norm and SiLU {channels:3} @{edge:2} x{batch:2}");
        if !name.contains(wanted) {
            continue;
        }
        let count = (batch * channels * edge * edge) as f64;
        let inputs = |device: &Device| {
            let x = Tensor::<4>::random([batch, channels, edge, edge], Distribution::Normal(0.0, 1.0), device);
            (x, GroupNormConfig::new(groups, channels).init(device))
        };
        let ours = |x: Tensor<4>, norm: &GroupNorm| {
            let [gamma, beta] = [&norm.gamma, &norm.beta].map(|p| p.as_ref().expect("an affine norm").val());
            group_norm_silu(x, gamma, beta, groups, norm.epsilon)
        };
        let (x, norm) = inputs(&device);
        let forward = best([&|| drop(ours(x.clone(), &norm)), &|| drop(silu(norm.forward(x.clone())))]);
        let (x, norm) = inputs(&learning);
        let x = x.require_grad();
        let both = best([&|| drop(ours(x.clone(), &norm).sum().backward()), &|| {
            drop(silu(norm.forward(x.clone())).sum().backward())
        }]);
        line(&name, forward.map(|s| s * 1e12 / count), both.map(|s| s * 1e12 / count));
    }
}
