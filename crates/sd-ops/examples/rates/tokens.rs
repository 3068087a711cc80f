use burn::tensor::activation::{gelu, sigmoid};
use burn::tensor::ops::AttentionModuleOptions;
use burn::tensor::{Device, Distribution, Tensor};

use crate::{best, line};

/// Batch, heads, queries, keys and width of a head.
const ATTENTIONS: [[usize; 5]; 12] = [
    [16, 4, 16, 16, 32],
    [16, 4, 64, 64, 16],
    [16, 4, 256, 256, 8],
    [16, 4, 64, 8, 16],
    [16, 1, 64, 64, 64],
    [2, 12, 77, 77, 64],
    [2, 8, 4096, 77, 40],
    [2, 8, 1024, 77, 80],
    [2, 8, 256, 256, 160],
    [2, 8, 1024, 1024, 80],
    [2, 8, 4096, 4096, 40],
    [1, 1, 4096, 4096, 512],
];

/// Rows and their width.
const ROWS: [[usize; 2]; 6] = [[256, 128], [1024, 64], [4096, 32], [154, 768], [2048, 640], [8192, 320]];

/// The largest number of scores for which Burn's gradients are timed. More would take minutes and gigabytes; the rate is
/// then 0.
const MOST: usize = 1 << 25;

/// Prints a line for each shape whose name contains `wanted`.
pub fn rates(wanted: &str) {
    println!("GFLOP/s: forward and, with gradients, forward and backward");
    for shape in ATTENTIONS {
        attention(shape, wanted);
    }
    println!("ns per thousand values");
    for [rows, width] in ROWS {
        let name = |what: &str, width: usize| format!("{what} {width:4} x{rows:4}");
        let quick = |x: Tensor<2>| x.clone() * sigmoid(x * 1.702);
        let gated = |x: Tensor<2>| {
            let [x, gate] = x.chunk(2, 1).try_into().expect("two halves");
            x * gelu(gate)
        };
        function(&name("GELU", 4 * width), wanted, [rows, 4 * width], sd_ops::gelu, gelu);
        function(&name("quick GELU", 4 * width), wanted, [rows, 4 * width], sd_ops::quick_gelu, quick);
        function(&name("GEGLU", 8 * width), wanted, [rows, 8 * width], sd_ops::geglu, gated);
        let parameters = |x: &Tensor<2>| (Tensor::ones([width], &x.device()), Tensor::zeros([width], &x.device()));
        let ours = |x: Tensor<2>| {
            let (gamma, beta) = parameters(&x);
            sd_ops::layer_norm(x, gamma, beta, 1e-5)
        };
        let burns = |x: Tensor<2>| {
            let (gamma, beta) = parameters(&x);
            burn::tensor::module::layer_norm(x, gamma, Some(beta), 1e-5)
        };
        function(&name("layer norm", width), wanted, [rows, width], ours, burns);
    }
}

fn attention([batch, heads, queries, keys, width]: [usize; 5], wanted: &str) {
    let name = format!("attention {queries:4} to {keys:4} of {width:3} x{:2}", batch * heads);
    if !name.contains(wanted) {
        return;
    }
    // As projections produce them: a token's heads are contiguous.
    let inputs_on = |device: &Device| {
        [queries, keys, keys]
            .map(|tokens| Tensor::<4>::random([batch, tokens, heads, width], Distribution::Normal(0.0, 1.0), device))
    };
    let ours = |inputs: [Tensor<4>; 3]| {
        let [q, k, v] = inputs.map(|x| x.swap_dims(1, 2));
        sd_ops::attention(q, k, v).swap_dims(1, 2).reshape([batch, queries, heads * width])
    };
    let burns = |inputs: [Tensor<4>; 3]| {
        let [q, k, v] = inputs.map(|x| x.swap_dims(1, 2));
        let options = AttentionModuleOptions::default();
        let out = burn::tensor::module::attention(q, k, v, None, None, options);
        out.swap_dims(1, 2).reshape([batch, queries, heads * width])
    };
    let scores = batch * heads * queries * keys;
    let operations = 4e-9 * (scores * width) as f64;
    let plain = inputs_on(&Device::flex());
    let forward = best([&|| drop(ours(plain.clone())), &|| drop(burns(plain.clone()))]);
    let learned = inputs_on(&Device::flex().autodiff()).map(|x| x.require_grad());
    let both = best([&|| drop(ours(learned.clone()).sum().backward()), &|| {
        if scores <= MOST {
            drop(burns(learned.clone()).sum().backward());
        }
    }]);
    let mut rates = both.map(|s| 3.0 * operations / s);
    if scores > MOST {
        rates[1] = 0.0;
    }
    line(&name, forward.map(|s| operations / s), rates);
}

fn function(
    name: &str,
    wanted: &str,
    shape: [usize; 2],
    ours: impl Fn(Tensor<2>) -> Tensor<2>,
    burns: impl Fn(Tensor<2>) -> Tensor<2>,
) {
    if !name.contains(wanted) {
        return;
    }
    let input_on = |device: &Device| Tensor::<2>::random(shape, Distribution::Normal(0.0, 1.0), device);
    let plain = input_on(&Device::flex());
    let forward = best([&|| drop(ours(plain.clone())), &|| drop(burns(plain.clone()))]);
    let learned = input_on(&Device::flex().autodiff()).require_grad();
    let both = best([&|| drop(ours(learned.clone()).sum().backward()), &|| {
        drop(burns(learned.clone()).sum().backward());
    }]);
    let count = (shape[0] * shape[1]) as f64;
    line(name, forward.map(|s| s * 1e12 / count), both.map(|s| s * 1e12 / count));
}
