//! The time that the networks' operators take at the shapes of Stable Diffusion 1.5, 512×512, with guidance.
//!
//! Run `cargo bench -p sd-benches --bench operators`, with a part of a name behind `--` to select operators: `bf16` selects
//! those with weights in half precision, `q8_0` those with weights of 8 bits, and `int8` the same with products of integers. Criterion's throughput counts multiplications and additions by definition, or
//! output values.

use std::time::Duration;

use burn::tensor::{Device, Distribution, FloatDType, Tensor};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sd_ops::{Padding, attention, conv2d, geglu, group_norm_silu, half_attention, layer_norm, linear};
use sd_weights::{BlockKind, quantized, quantized_panels};

/// The precisions of weights, and their suffixes in names.
const PRECISIONS: [(FloatDType, &str); 2] = [(FloatDType::F32, ""), (FloatDType::BF16, " bf16")];

/// Batch, input and output channels, edge of the image, edge of the kernel, stride.
const CONVOLUTIONS: [[usize; 6]; 11] = [
    [2, 320, 320, 64, 3, 1],
    [2, 640, 320, 64, 3, 1],
    [2, 640, 640, 32, 3, 1],
    [2, 1280, 1280, 16, 3, 1],
    [2, 2560, 1280, 16, 3, 1],
    [2, 1280, 1280, 8, 3, 1],
    [2, 320, 320, 64, 3, 2],
    [2, 640, 320, 64, 1, 1],
    [1, 512, 512, 64, 3, 1],
    [1, 512, 512, 128, 3, 1],
    [1, 128, 128, 512, 3, 1],
];

/// Rows, inputs, outputs.
const LINEARS: [[usize; 3]; 6] =
    [[8192, 320, 320], [8192, 320, 2560], [8192, 1280, 320], [2048, 640, 5120], [512, 1280, 10_240], [154, 768, 3072]];

/// Batch, heads, queries, keys, width of a head.
const ATTENTIONS: [[usize; 5]; 5] = [
    [2, 8, 4096, 4096, 40],
    [2, 8, 1024, 1024, 80],
    [2, 8, 256, 256, 160],
    [2, 8, 4096, 77, 40],
    [1, 1, 4096, 4096, 512],
];

fn random<const D: usize>(shape: [usize; D]) -> Tensor<D> {
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), &Device::flex())
}

fn operators(criterion: &mut Criterion) {
    sd_ops::keep_memory();
    let mut group = criterion.benchmark_group("operators");
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
    let mut measure = |name: String, count: usize, work: &dyn Fn()| {
        group.throughput(Throughput::Elements(count as u64)).bench_function(name, |bencher| bencher.iter(work));
    };
    for [batch, inputs, outputs, edge, kernel, stride] in CONVOLUTIONS {
        let (x, bias) = (random([batch, inputs, edge, edge]), random([outputs]));
        let out = edge / stride;
        for (precision, suffix) in PRECISIONS {
            let weight = random([outputs, inputs, kernel, kernel]).cast(precision);
            let name = format!("conv {kernel}x{kernel}-{stride} {inputs} to {outputs} at {edge} x{batch}{suffix}");
            measure(name, 2 * batch * inputs * outputs * (kernel * out).pow(2), &|| {
                conv2d(x.clone(), weight.clone(), Some(bias.clone()), stride, Padding::around(kernel / 2));
            });
        }
    }
    for [rows, inputs, outputs] in LINEARS {
        let x = random([rows, inputs]);
        for (precision, suffix) in PRECISIONS {
            let weight = random([outputs, inputs]).cast(precision).swap_dims(0, 1);
            let name = format!("linear {rows} of {inputs} to {outputs}{suffix}");
            measure(name, 2 * rows * inputs * outputs, &|| {
                linear(x.clone(), weight.clone(), None);
            });
        }
        let weight: Vec<f32> = random([outputs, inputs]).into_data().try_to_vec().expect("single precision");
        let blocks = BlockKind::Q8_0.quantize(&weight).expect("it is written");
        let in_blocks = quantized(BlockKind::Q8_0, blocks.clone(), 2);
        for (data, kind) in [(in_blocks, "q8_0"), (quantized_panels(blocks, inputs), "int8")] {
            let weight = Tensor::<2>::from_data(data, &Device::flex());
            measure(format!("linear {rows} of {inputs} to {outputs} {kind}"), 2 * rows * inputs * outputs, &|| {
                linear(x.clone(), weight.clone(), None);
            });
        }
    }
    for [batch, heads, queries, keys, width] in ATTENTIONS {
        let [q, k, v] = [queries, keys, keys].map(|tokens| random([batch, tokens, heads, width]).swap_dims(1, 2));
        let count = 4 * batch * heads * queries * keys * width;
        let name = format!("attention {queries} to {keys} of {width} x{}", batch * heads);
        measure(format!("{name} bf16"), count, &|| {
            half_attention(q.clone(), k.clone(), v.clone());
        });
        measure(name, count, &|| {
            attention(q.clone(), k.clone(), v.clone());
        });
    }
    let (x, gamma, beta) = (random([2, 320, 64, 64]), random([320]), random([320]));
    measure("group norm and SiLU 320 at 64 x2".into(), 2 * 320 * 4096, &|| {
        group_norm_silu(x.clone(), gamma.clone(), beta.clone(), 32, 1e-5);
    });
    let x = random([8192, 320]);
    measure("layer norm 8192 of 320".into(), 8192 * 320, &|| {
        layer_norm(x.clone(), gamma.clone(), beta.clone(), 1e-5);
    });
    let x = random([8192, 2560]);
    measure("GEGLU 8192 of 1280".into(), 8192 * 1280, &|| {
        geglu(x.clone());
    });
    group.finish();
}

criterion_group!(benches, operators);
criterion_main!(benches);
