//! The kernels for tokens against Burn's own operations and their derivatives.

use burn::module::{Module, ModuleMapper, Param};
use burn::nn::{Embedding, EmbeddingConfig, Linear, LinearConfig};
use burn::tensor::activation::{gelu, sigmoid};
use burn::tensor::{Device, FloatDType, Tensor};

use crate::common::{between, compare, distance, random};

/// Compares the outputs of two functions of `inputs`, and the gradients of the inputs.
fn check<const D: usize, const N: usize>(
    case: &str,
    inputs: [Tensor<D>; N],
    ours: impl Fn([Tensor<D>; N]) -> Tensor<D>,
    theirs: impl Fn([Tensor<D>; N]) -> Tensor<D>,
    close: f64,
) {
    let inputs = inputs.map(|x| x.detach().require_grad());
    let (ours, theirs) = (ours(inputs.clone()), theirs(inputs.clone()));
    let (apart, gradients) = compare(ours, theirs);
    assert!(apart < close, "{case}: {apart}");
    for (i, x) in inputs.iter().enumerate() {
        let apart = between(x, &gradients);
        assert!(apart < close, "{case}, gradient {i}: {apart}");
    }
}

fn geglu_in_tensors<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let [x, gate] = x.chunk(2, D - 1).try_into().unwrap();
    x * gelu(gate)
}

/// Tolerance: 3e-7 of the normal distribution, for values up to about 3, and the rounding of single precision.
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
        // Far from zero, so that a careless variance would show. Subtracting the mean costs three bits.
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
    for (dtype, close) in [(FloatDType::F64, 1e-6), (FloatDType::F16, 2e-3), (FloatDType::BF16, 2e-2)] {
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

fn attention_in_tensors([q, k, v]: [Tensor<4>; 3], causal: bool) -> Tensor<4> {
    let [.., queries, width] = q.dims();
    let scores = q.matmul(k.swap_dims(2, 3)) / (width as f64).sqrt();
    let scores = if causal {
        let hidden = Tensor::<2>::ones([queries, queries], &scores.device()).triu(1) * -1e30;
        scores + hidden.unsqueeze()
    } else {
        scores
    };
    burn::tensor::activation::softmax(scores, 3).matmul(v)
}

#[test]
fn attentions_of_odd_shapes_and_their_gradients_are_burns() {
    let device = Device::flex().autodiff();
    for ([batch, heads, queries, width], keys) in [
        ([1, 1, 1, 1], 1),
        ([2, 3, 7, 5], 4),
        ([2, 2, 16, 8], 77),
        ([1, 2, 64, 40], 64),
        ([3, 4, 50, 16], 100),
        ([1, 1, 530, 24], 300),
        ([1, 1, 20, 200], 90),
    ] {
        // Scores up to about 12, so that some keys have far more weight than others.
        let inputs = || [queries, keys, keys].map(|tokens| random([batch, heads, tokens, width], &device) * 1.5);
        let case = format!("{batch} {heads} {queries} {keys} {width}");
        let ours = |[q, k, v]: [Tensor<4>; 3]| sd_ops::attention(q, k, v);
        check(&case, inputs(), ours, |inputs| attention_in_tensors(inputs, false), 5e-6);
        let inputs = [(); 3].map(|()| random([batch, heads, queries, width], &device));
        let ours = |[q, k, v]: [Tensor<4>; 3]| sd_ops::causal_attention(q, k, v);
        check(&format!("causal {case}"), inputs, ours, |inputs| attention_in_tensors(inputs, true), 5e-6);
    }
}

#[test]
fn attention_reads_and_is_read_as_tokens_lie() {
    let device = Device::flex().autodiff();
    let [batch, tokens, heads, width] = [2, 19, 3, 8];
    let inputs = || [(); 3].map(|()| random([batch, tokens, heads, width], &device));
    let ours = |inputs: [Tensor<4>; 3]| {
        let [q, k, v] = inputs.map(|x| x.swap_dims(1, 2));
        sd_ops::attention(q, k, v).swap_dims(1, 2)
    };
    let theirs =
        |inputs: [Tensor<4>; 3]| attention_in_tensors(inputs.map(|x| x.swap_dims(1, 2)), false).swap_dims(1, 2);
    check("contiguous heads", inputs(), ours, theirs, 5e-6);
    let turned = |x: Tensor<4>| x.permute([0, 2, 3, 1]).slice([0..2, 0..3, 1..7, 2..19]);
    let ours = |inputs: [Tensor<4>; 3]| {
        let [q, k, v] = inputs.map(turned);
        sd_ops::attention(q, k, v).swap_dims(2, 3)
    };
    let theirs = |inputs: [Tensor<4>; 3]| attention_in_tensors(inputs.map(turned), false).swap_dims(2, 3);
    check("values that are not contiguous", inputs(), ours, theirs, 5e-6);
}

#[test]
fn many_threads_split_the_keys_of_few_heads() {
    let device = Device::flex().autodiff();
    let inputs = [(); 3].map(|()| random([1, 1, 500, 32], &device));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().expect("threads can be started");
    let ours = |[q, k, v]: [Tensor<4>; 3]| sd_ops::attention(q, k, v);
    pool.install(|| check("three threads", inputs, ours, |inputs| attention_in_tensors(inputs, false), 5e-6));
}

#[test]
fn attention_of_other_precisions_is_burns_own_and_agrees() {
    let device = Device::flex();
    let inputs = [(); 3].map(|()| random([2, 2, 9, 8], &device));
    for (dtype, close) in [(FloatDType::F64, 2e-6), (FloatDType::F16, 3e-3)] {
        for function in [sd_ops::attention, sd_ops::causal_attention] {
            let [q, k, v] = inputs.clone();
            let ours = function(q, k, v).cast(FloatDType::F64);
            let [q, k, v] = inputs.clone().map(|x| x.cast(dtype));
            let other = function(q, k, v);
            assert_eq!(FloatDType::from(other.dtype()), dtype);
            assert!(distance(ours, other.cast(FloatDType::F64)) < close);
        }
    }
}

/// Tolerance for sums of up to 1300 products in another order. The sums may be small beside their terms.
const SUMS: f64 = 1e-5;

#[test]
fn gated_layers_are_the_geglu_of_layers() {
    let device = Device::flex();
    for ([rows, inputs], width) in [([1, 1], 1), ([5, 7], 16), ([33, 64], 19), ([70, 700], 40), ([13, 1300], 33)] {
        let x = random([2, rows, inputs], &device);
        let (weight, bias) = (random([2 * width, inputs], &device), random([2 * width], &device));
        for weight in [weight.clone().swap_dims(0, 1), weight.swap_dims(0, 1) * 1.0] {
            for bias in [Some(bias.clone()), None] {
                let ours = sd_ops::linear_geglu(x.clone(), weight.clone(), bias.clone());
                let theirs = geglu_in_tensors(burn::tensor::module::linear(x.clone(), weight.clone(), bias));
                let apart = distance(ours, theirs);
                assert!(apart < SUMS, "{rows} rows, {inputs} to {width}: {apart}");
            }
        }
        let double = |x: Tensor<3>| x.cast(FloatDType::F64);
        let weight = random([inputs, 2 * width], &device);
        let ours = sd_ops::linear_geglu(x.clone(), weight.clone(), None);
        let other = sd_ops::linear_geglu(double(x), weight.cast(FloatDType::F64), None);
        assert!(distance(double(ours), other) < SUMS);
    }
}

/// Bf16 has 8 bits, f16 has 11.
const HALVES: [(FloatDType, f64); 2] = [(FloatDType::BF16, 1e-2), (FloatDType::F16, 1e-3)];

#[test]
fn weights_in_half_precision_are_near_those_in_single() {
    let device = Device::flex();
    for ([rows, inputs], outputs) in [([1, 1], 3), ([5, 7], 16), ([33, 64], 40), ([70, 130], 31)] {
        let x = random([2, rows, inputs], &device);
        let (weight, bias) = (random([outputs, inputs], &device), random([outputs], &device));
        let single = sd_ops::linear(x.clone(), weight.clone().swap_dims(0, 1), Some(bias.clone()));
        for (dtype, close) in HALVES {
            let weight = weight.clone().cast(dtype);
            for weight in [weight.clone().swap_dims(0, 1), (weight.swap_dims(0, 1) * 1.0)] {
                let half = sd_ops::linear(x.clone(), weight, Some(bias.clone()));
                assert_eq!(FloatDType::from(half.dtype()), FloatDType::F32);
                let apart = distance(half, single.clone());
                assert!(apart > 0.0 && apart < close, "{rows} rows, {inputs} to {outputs}, {dtype:?}: {apart}");
            }
        }
    }
}

#[test]
fn half_attention_is_near_attention_and_elsewhere_the_same() {
    let device = Device::flex();
    let inputs = [random([2, 3, 50, 40], &device), random([2, 3, 77, 40], &device), random([2, 3, 77, 40], &device)];
    let [half, single] = [sd_ops::half_attention, sd_ops::attention].map(|attend| {
        let [q, k, v] = inputs.clone();
        attend(q, k, v)
    });
    assert!(distance(half, single) < 1e-2);
    let [half, single] = [sd_ops::half_attention, sd_ops::attention].map(|attend| {
        let [q, k, v] = inputs.clone().map(|x| x.cast(FloatDType::F64));
        attend(q, k, v)
    });
    assert_eq!(distance(half, single), 0.0);
}

/// Central differences in double precision, where all operators are Burn's own, against the kernels' gradients.
#[test]
fn gradients_are_the_slopes_of_a_whole_transformer() {
    let (plain, learning) = (Device::flex(), Device::flex().autodiff());
    let block = |x: Tensor<3>, gamma: Tensor<1>, beta: Tensor<1>| {
        let [batch, tokens, width] = x.dims();
        let x = sd_ops::layer_norm(x, gamma, beta, 1e-5);
        let split = |x: Tensor<3>| x.reshape([batch, tokens, 2, width / 2]).swap_dims(1, 2);
        let h = sd_ops::attention(split(x.clone()), split(x.clone() * 0.7), split(x.clone() + 0.3));
        let h = h.swap_dims(1, 2).reshape([batch, tokens, width]);
        (sd_ops::geglu(h.clone()).square().mean() + sd_ops::quick_gelu(h).mean() + sd_ops::gelu(x).square().mean()) * 10
    };
    let inputs = [random([1, 1, 2 * 7 * 10], &plain), random([1, 1, 10], &plain), random([1, 1, 10], &plain)];
    let whole = |[x, gamma, beta]: [Tensor<3>; 3]| {
        block(x.reshape([2, 7, 10]), gamma.flatten::<1>(0, 2), beta.flatten::<1>(0, 2))
    };
    let known = inputs.clone().map(|x| Tensor::from_data(x.into_data(), &learning).require_grad());
    let found = whole(known.clone()).backward();
    for (i, x) in known.iter().enumerate() {
        let gradient: Vec<f64> = x.grad(&found).unwrap().into_data().iter::<f64>().collect();
        let largest = gradient.iter().fold(0.0_f64, |most, g| most.max(g.abs()));
        for at in (0..gradient.len()).step_by(gradient.len().div_ceil(15)) {
            let step = 1e-5;
            let [below, above] = [-step, step].map(|step| {
                let mut moved = inputs.clone().map(|x| x.cast(FloatDType::F64));
                let here = Tensor::<3>::full([1, 1, 1], step, &plain).cast(FloatDType::F64);
                let x = moved[i].clone();
                let place = [0..1, 0..1, at..at + 1];
                moved[i] = x.clone().slice_assign(place.clone(), x.slice(place) + here);
                whole(moved).into_scalar::<f64>()
            });
            let slope = (above - below) / (2.0 * step);
            assert!((slope - gradient[at]).abs() < 1e-5 * largest, "input {i}, {at}: {slope} and {}", gradient[at]);
        }
    }
}

#[derive(Module, Debug)]
struct Layers {
    embedding: Embedding,
    linear: Vec<Linear>,
}

#[test]
fn packed_layers_give_what_they_gave() {
    let device = Device::flex();
    // The first layer fills whole panels on every processor.
    let lying = |outputs| {
        let weight = Param::from_tensor(random([outputs, 24], &device).swap_dims(0, 1));
        Linear { weight, bias: Some(Param::from_tensor(random([outputs], &device))) }
    };
    let as_made = LinearConfig::new(24, 64).with_bias(false).init(&device);
    let embedding = EmbeddingConfig::new(32, 64).init(&device);
    let x = random([2, 5, 24], &device);
    let layers = Layers { embedding, linear: vec![lying(64), lying(63), as_made] };
    let packed = sd_ops::pack(layers.clone());
    assert_eq!(packed.embedding.weight.dims(), [32, 64]);
    for (layer, packed) in layers.linear.iter().zip(&packed.linear) {
        let [before, now] = [layer, packed].map(|layer| sd_ops::project(layer, x.clone()).into_data());
        now.assert_eq(&before, true);
    }
    assert_eq!(packed.linear[0].weight.dims(), [1, 24 * 64]);
    assert_eq!(layers.linear[0].weight.dims(), [24, 64]);

    let halves = Layers { linear: vec![lying(64)], ..layers }.map(&mut Halves);
    let [before, now] =
        [halves.clone(), sd_ops::pack(halves)].map(|layers| sd_ops::project(&layers.linear[0], x.clone()).into_data());
    now.assert_eq(&before, true);
}

struct Halves;

impl ModuleMapper for Halves {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if D == 2 { param.map(|weight| weight.cast(FloatDType::BF16)) } else { param }
    }
}

#[test]
#[should_panic(expected = "vectors of 25 values")]
fn a_packed_layer_takes_vectors_of_its_own_width_only() {
    let device = Device::flex();
    let weight = Param::from_tensor(random([64, 24], &device).swap_dims(0, 1));
    let layer = sd_ops::pack(Linear { weight, bias: None });
    sd_ops::project(&layer, random([2, 5, 25], &device));
}

#[test]
fn linear_layers_of_views_are_burns() {
    let device = Device::flex();
    for [batch, rows, inputs, outputs] in [[1, 1, 1, 1], [2, 7, 5, 3], [3, 40, 33, 70], [1, 130, 640, 96]] {
        let (weight, bias) = (random([outputs, inputs], &device).swap_dims(0, 1), random([outputs], &device));
        // Contiguous, transposed as an image's channels are, a slice, and with rows in reverse order.
        let wide = random([batch, rows + 2, inputs + 3], &device);
        let views: [Tensor<3>; 4] = [
            random([batch, rows, inputs], &device),
            random([batch, inputs, rows], &device).swap_dims(1, 2),
            wide.slice([0..batch, 1..rows + 1, 2..inputs + 2]),
            random([batch, rows, inputs], &device).flip([1]),
        ];
        for (i, x) in views.into_iter().enumerate() {
            for bias in [None, Some(bias.clone())] {
                let theirs = burn::tensor::module::linear(x.clone(), weight.clone(), bias.clone());
                let ours = sd_ops::linear(x.clone(), weight.clone(), bias);
                let apart = distance(ours, theirs);
                assert!(apart < 3e-6, "{batch}×{rows}×{inputs} to {outputs}, view {i}: {apart}");
            }
        }
    }
    let (x, weight) = (random([3, 5], &device), random([5, 4], &device));
    let theirs = burn::tensor::module::linear(x.clone(), weight.clone(), None);
    assert!(distance(sd_ops::linear(x, weight, None), theirs) < 1e-6);
}
