//! A network that wraps around knows no edges: a shifted image gives the shifted prediction.

use burn::tensor::module::interpolate;
use burn::tensor::ops::{InterpolateMode, InterpolateOptions};
use burn::tensor::{Device, Tensor};
use sd_golden::{Kind, TinyModel, ddpm, noise, seeded};
use sd_unet::{Conditions, ControlNet, Hint, Wrap};

const WRAPS: [Wrap; 3] = [Wrap { x: true, y: false }, Wrap { x: false, y: true }, Wrap { x: true, y: true }];

/// Moves an image along the axes that wrap around, by 8 pixels: one at the coarsest level.
fn shifted(x: &Tensor<4>, wrap: Wrap) -> Tensor<4> {
    let shift = |x: Tensor<4>, axis: usize| {
        let length = x.dims()[axis];
        Tensor::cat(vec![x.clone().slice_dim(axis, 8..length), x.slice_dim(axis, 0..8)], axis)
    };
    let x = if wrap.x { shift(x.clone(), 3) } else { x.clone() };
    if wrap.y { shift(x, 2) } else { x }
}

/// Returns how far the prediction for a shifted image is from the shifted prediction, relative to the largest value.
fn distance(x: &Tensor<4>, wrap: Wrap, predict: impl Fn(Tensor<4>) -> Tensor<4>) -> f32 {
    let expected = shifted(&predict(x.clone()), wrap);
    let largest = |x: Tensor<4>| x.abs().max().into_scalar::<f32>();
    largest(predict(shifted(x, wrap)) - expected.clone()) / largest(expected)
}

#[test]
fn a_shifted_image_gives_the_shifted_prediction() {
    let device = Device::flex();
    for kind in [Kind::Sd1, Kind::Sd2v] {
        let unet = TinyModel::new(kind).load("unet", kind.unet().init(&device));
        let conditions = Conditions::new(noise("context", [1, 7, kind.unet().cross_attention_dim], &device));
        let x = noise("x", [1, 4, 16, 24], &device);
        for wrap in WRAPS {
            let wrapped = unet.clone().with_wrap(wrap);
            let apart = distance(&x, wrap, |x| wrapped.forward(x, &[500.0], &conditions));
            assert!(apart <= 1e-5, "{kind:?} with {wrap:?}: {apart}");
            // Otherwise this would hold for any network.
            let apart = distance(&x, wrap, |x| unet.forward(x, &[500.0], &conditions));
            assert!(apart > 0.01, "{kind:?} without {wrap:?}: {apart}");
        }
    }
}

/// A hint follows from the image, so that it is shifted with it.
#[test]
fn so_does_a_network_that_is_steered() {
    let device = Device::flex();
    let unet = TinyModel::new(Kind::Sd1).load("unet", Kind::Sd1.unet().init(&device));
    let control = seeded("sd1", "controlnet", Kind::Sd1.control().init(&device));
    let conditions = Conditions::new(noise("context", [1, 7, 32], &device));
    let x = noise("x", [1, 4, 16, 24], &device);
    for wrap in WRAPS {
        let (unet, wrapped) = (unet.clone().with_wrap(wrap), control.clone().with_wrap(wrap));
        let predict = |x: Tensor<4>, control: &ControlNet| {
            let options = InterpolateOptions::new(InterpolateMode::Nearest).with_output_size([128, 192]);
            let hint = Hint::new(control.embed(interpolate(x.clone().slice_dim(1, 0..3), options)));
            let residuals = control.forward(x.clone(), &[500.0], &conditions, &[hint]);
            unet.forward(x, &[500.0], &conditions.clone().with_residuals(residuals))
        };
        let apart = distance(&x, wrap, |x| predict(x, &wrapped));
        assert!(apart <= 1e-5, "{wrap:?}: {apart}");
        let apart = distance(&x, wrap, |x| predict(x, &control));
        assert!(apart > 0.001, "without {wrap:?}: {apart}");
    }
}

#[test]
fn so_does_the_network_of_a_pixel_model() {
    let device = Device::flex();
    let unet = TinyModel::ddpm().load("unet", ddpm().init(&device));
    let x = noise("x", [1, 3, 16, 24], &device);
    for wrap in WRAPS {
        let wrapped = unet.clone().with_wrap(wrap);
        let apart = distance(&x, wrap, |x| wrapped.forward(x, &[500.0]));
        assert!(apart <= 1e-5, "{wrap:?}: {apart}");
    }
}
