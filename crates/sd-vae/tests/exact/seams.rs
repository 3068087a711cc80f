//! An autoencoder that wraps around knows no edges: shifted latents give the shifted image.

use burn::tensor::{Device, Tensor};
use sd_golden::{Kind, TinyModel, noise, vae_tiny};
use sd_vae::{Autoencoder, AutoencoderKl, Wrap};

use crate::bands::{apart, bands};

const WRAPS: [Wrap; 3] = [Wrap { x: true, y: false }, Wrap { x: false, y: true }, Wrap { x: true, y: true }];

fn vae(wrap: Wrap) -> AutoencoderKl {
    TinyModel::new(Kind::Sd1).load("vae", Kind::Sd1.vae().init(&Device::flex())).with_wrap(wrap)
}

/// Moves an image along the axes that wrap around, by `pixels`.
fn shifted(x: &Tensor<4>, wrap: Wrap, pixels: usize) -> Tensor<4> {
    let shift = |x: Tensor<4>, axis: usize| {
        let length = x.dims()[axis];
        Tensor::cat(vec![x.clone().slice_dim(axis, pixels..length), x.slice_dim(axis, 0..pixels)], axis)
    };
    let x = if wrap.x { shift(x.clone(), 3) } else { x.clone() };
    if wrap.y { shift(x, 2) } else { x }
}

fn check(vae: &dyn Autoencoder, wrap: Wrap) {
    let device = Device::flex();
    let (z, image) = (noise("z", [1, 4, 6, 5], &device), noise("image", [1, 3, 48, 40], &device));
    for (what, found, whole) in [
        ("decoded", vae.decode(shifted(&z, wrap, 2)), shifted(&vae.decode(z.clone()), wrap, 16)),
        ("encoded", vae.encode(shifted(&image, wrap, 16)).mean, shifted(&vae.encode(image.clone()).mean, wrap, 2)),
    ] {
        let (apart, largest) = apart(found, whole);
        assert!(apart <= 1e-5 * largest, "{what} with {wrap:?}: {apart} of {largest}");
    }
}

#[test]
fn shifted_latents_give_the_shifted_image() {
    for wrap in WRAPS {
        check(&vae(wrap), wrap);
        check(&TinyModel::vae_tiny().load("", vae_tiny().init(&Device::flex())).with_wrap(wrap), wrap);
    }
}

/// Otherwise the test above would hold for any network.
#[test]
fn edges_that_do_not_wrap_are_seen() {
    let (vae, z) = (vae(Wrap::default()), noise("z", [1, 4, 6, 5], &Device::flex()));
    let wrap = WRAPS[2];
    let (apart, largest) = apart(vae.decode(shifted(&z, wrap, 2)), shifted(&vae.decode(z.clone()), wrap, 16));
    assert!(apart > 0.1 * largest, "{apart} of {largest}");
}

#[test]
fn bands_wrap_around_too() {
    let device = Device::flex();
    let (z, image) = (noise("z", [1, 4, 6, 5], &device), noise("image", [1, 3, 48, 40], &device));
    for wrap in WRAPS {
        let (large, small) = (vae(wrap), TinyModel::vae_tiny().load("", vae_tiny().init(&device)).with_wrap(wrap));
        for rows in [1, 3, 7, 100] {
            for (found, whole) in [
                (large.decode_in_bands(z.clone(), bands(rows)), large.decode(z.clone())),
                (large.encode_in_bands(image.clone(), bands(rows)).mean(), large.encode(image.clone()).mean()),
                (small.decode_in_bands(z.clone(), bands(rows)), small.decode(z.clone())),
                (small.encode_in_bands(image.clone(), bands(rows)), small.encode(image.clone())),
            ] {
                let (apart, largest) = apart(found, whole);
                assert!(apart <= 1e-5 * largest, "bands of {rows} rows with {wrap:?}: {apart} of {largest}");
            }
        }
    }
}
