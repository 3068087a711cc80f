//! The operators that GPUs have kernels of their own for, on every backend of this build, against the processor's.

use std::sync::LazyLock;

use burn::tensor::{DType, Device, FloatDType, Tensor, TensorData};
use sd_device::is_processor;
use sd_golden::{devices, noise};
use sd_ops::{Padding, attention, conv2d, geglu, group_norm, group_norm_silu, image, join, layer_norm, linear, tokens};

/// Each device with the precisions it has, and the error that these allow, relative to the largest number.
static DEVICES: LazyLock<Vec<(&str, Device, FloatDType, f32)>> = LazyLock::new(|| {
    let mut all = Vec::new();
    for (name, device) in devices() {
        all.push((name, device.clone(), FloatDType::F32, 2e-6));
        // A processor computes in half precision, if at all, with other operators, which have tests of their own.
        for (dtype, error) in [(FloatDType::F16, 2e-3), (FloatDType::BF16, 2e-2)] {
            if !is_processor(name) && device.supports_dtype(dtype) {
                all.push((name, device.clone(), dtype, error));
            }
        }
    }
    all
});

/// Numbers that half precision has too, around `mean`.
fn numbers<const D: usize>(name: &str, shape: [usize; D], mean: f32) -> Tensor<D> {
    let numbers = noise(name, shape, &Device::flex()).into_data().try_to_vec::<f32>().unwrap();
    let numbers: Vec<f32> = numbers.iter().map(|x| (x * 16.0).round() / 16.0 + mean).collect();
    Tensor::from_data(TensorData::new(numbers, shape), &Device::flex())
}

/// That an operator gives the same on every device as on the processor.
fn check<const A: usize, const B: usize>(
    what: &str,
    inputs: &[Tensor<A>],
    operator: impl Fn(&[Tensor<A>]) -> Tensor<B>,
) {
    let expected = operator(inputs).into_data().try_to_vec::<f32>().unwrap();
    let largest = expected.iter().fold(1.0f32, |a, b| a.max(b.abs()));
    for (name, device, dtype, allowed) in &*DEVICES {
        let inputs: Vec<_> = inputs.iter().map(|x| on(x, device, (*dtype).into())).collect();
        let found = operator(&inputs).into_data().convert::<f32>().try_to_vec::<f32>().unwrap();
        assert_eq!(found.len(), expected.len(), "{what} on {name} in {dtype:?}");
        let error = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max) / largest;
        assert!(error <= *allowed, "{what} on {name} in {dtype:?}: an error of {error:.1e}");
    }
}

/// The same numbers on a device.
fn on<const D: usize>(x: &Tensor<D>, device: &Device, dtype: DType) -> Tensor<D> {
    Tensor::from_data(x.to_data(), (device, dtype))
}

/// A vector on the device and in the precision of `x`.
fn vector<const D: usize>(name: &str, length: usize, x: &Tensor<D>) -> Tensor<1> {
    on(&numbers(name, [length], 0.0), &x.device(), x.dtype())
}

#[test]
fn group_norms_are_the_processors() {
    // The last has more numbers in a group than one cube takes.
    for shape in [[1, 4, 1, 1], [2, 10, 3, 5], [1, 32, 17, 9], [2, 6, 96, 97]] {
        for (groups, mean) in [(2, 0.0), (2, 40.0), (1, 3.0)] {
            let x = [numbers("x", shape, mean)];
            let parameters = |x: &Tensor<4>| (vector("gamma", shape[1], x), vector("beta", shape[1], x));
            check(&format!("group norm of {shape:?}"), &x, |x| {
                let (gamma, beta) = parameters(&x[0]);
                group_norm(x[0].clone(), gamma, beta, groups, 1e-5)
            });
            check(&format!("group norm and SiLU of a view of {shape:?}"), &x, |x| {
                let (gamma, beta) = parameters(&x[0]);
                group_norm_silu(x[0].clone().swap_dims(2, 3), gamma, beta, groups, 1e-5)
            });
        }
    }
}

#[test]
fn a_channel_is_a_group_too() {
    for shape in [[1, 1, 1, 5], [2, 1, 3, 1]] {
        check(&format!("group norm of {shape:?}"), &[numbers("x", shape, 1.0)], |x| {
            group_norm(x[0].clone(), vector("gamma", 1, &x[0]), vector("beta", 1, &x[0]), 1, 1e-5)
        });
    }
}

#[test]
fn layer_norms_are_the_processors() {
    // The last has more rows than a grid may have cubes along one axis.
    for shape in [[1, 1, 8], [3, 7, 5], [2, 3, 1280], [2, 35_000, 3]] {
        for mean in [0.0, 40.0] {
            let x = [numbers("x", shape, mean)];
            let [.., width] = shape;
            check(&format!("layer norm of {shape:?}"), &x, |x| {
                layer_norm(x[0].clone(), vector("gamma", width, &x[0]), vector("beta", width, &x[0]), 1e-5)
            });
        }
    }
    check("layer norm of a view", &[numbers("x", [3, 5, 7], 0.0)], |x| {
        layer_norm(x[0].clone().swap_dims(1, 2), vector("gamma", 5, &x[0]), vector("beta", 5, &x[0]), 1e-5)
    });
}

#[test]
fn geglus_are_the_processors() {
    for shape in [[1, 1, 2], [2, 3, 10], [2, 33, 130]] {
        check(&format!("GEGLU of {shape:?}"), &[numbers("x", shape, 0.0)], |x| geglu(x[0].clone()));
    }
    check("GEGLU of a view", &[numbers("x", [3, 4, 7], 0.0)], |x| geglu(x[0].clone().swap_dims(1, 2)));
}

#[test]
fn convolutions_are_the_processors() {
    let above = Padding { top: 1, left: 0, bottom: 0, right: 2 };
    for (channels, outputs, kernel, stride, padding) in [
        (3, 16, 3, 1, Padding::around(1)),
        (5, 17, 3, 2, above),
        (2, 20, 2, 1, Padding::around(0)),
        (3, 2, 3, 1, Padding::around(1)),
        (6, 16, 1, 1, Padding::around(0)),
    ] {
        let case = format!("{channels} to {outputs} channels, {kernel}x{kernel}, {padding:?}");
        let convolve = |x: Tensor<4>| {
            // Half precision has these too.
            let weight = numbers("w", [outputs, channels, kernel, kernel], 0.0) / 32.0;
            let weight = on(&weight, &x.device(), x.dtype());
            let bias = vector("bias", outputs, &x);
            conv2d(x, weight, Some(bias), stride, padding)
        };
        let x = [numbers("x", [2, channels, 7, 9], 0.0)];
        check(&format!("a convolution of {case}"), &x, |x| convolve(x[0].clone()));
        check(&format!("a convolution of a view, {case}"), &x, |x| {
            convolve(image(tokens(x[0].clone()), 7, 9).slice([0..2, 0..channels, 1..7, 2..9]))
        });
    }
}

#[test]
fn no_images_are_no_images() {
    for (_, device, dtype, _) in &*DEVICES {
        let options = (device, DType::from(*dtype));
        let x = || Tensor::<4>::zeros([0, 32, 8, 8], options);
        let tokens = || Tensor::<3>::zeros([0, 64, 32], options);
        let [gamma, beta] = ["gamma", "beta"].map(|name| vector(name, 32, &x()));
        let weight = Tensor::zeros([48, 32, 3, 3], options);
        assert_eq!(conv2d(x(), weight, None, 1, Padding::around(1)).dims(), [0, 48, 8, 8]);
        assert_eq!(group_norm(x(), gamma.clone(), beta.clone(), 8, 1e-5).dims(), [0, 32, 8, 8]);
        assert_eq!(layer_norm(tokens(), gamma, beta, 1e-5).dims(), [0, 64, 32]);
        assert_eq!(geglu(tokens()).dims(), [0, 64, 16]);
        assert_eq!(linear(tokens(), Tensor::zeros([32, 24], options), None).dims(), [0, 64, 24]);
        assert_eq!(attention(x(), x(), x()).dims(), [0, 32, 8, 8]);
    }
}

#[test]
fn pixels_become_tokens_and_images_again() {
    let x = [numbers("x", [2, 3, 4, 5], 0.0), numbers("y", [2, 6, 4, 5], 0.0)];
    check("tokens", &x, |x| tokens(x[0].clone()));
    check("tokens of a view", &x, |x| tokens(x[0].clone().permute([0, 2, 3, 1])));
    for shape in [[1, 1, 1, 5], [2, 1, 3, 1], [2, 3, 1, 1]] {
        check(&format!("tokens of {shape:?}"), &[numbers("x", shape, 0.0)], |x| tokens(x[0].clone()));
    }
    check("an image", &x, |x| image(tokens(x[0].clone()), 4, 5));
    check("joined channels", &x, |x| join(x[0].clone(), x[1].clone()));
    check("joined channels of views", &x, |x| join(image(tokens(x[0].clone()), 4, 5), x[1].clone()));
}
