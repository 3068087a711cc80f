//! An image in bands equals the whole one.

use burn::tensor::{Device, Tensor};
use sd_golden::{Kind, TinyModel, noise, vae_tiny};
use sd_vae::{AutoencoderKl, Banding};

fn vae(device: &Device) -> AutoencoderKl {
    TinyModel::new(Kind::Sd1).load("vae", Kind::Sd1.vae().init(device))
}

/// Bands of so many rows in every map, in single precision.
pub fn bands(rows: usize) -> Banding {
    Banding { values: 0, rows, half_from: usize::MAX }
}

fn halved(rows: usize) -> Banding {
    Banding { half_from: 0, ..bands(rows) }
}

/// Returns the largest difference, and the largest value of `whole`.
pub fn apart(found: Tensor<4>, whole: Tensor<4>) -> (f64, f64) {
    assert_eq!(found.dims(), whole.dims());
    let largest = |x: Tensor<4>| x.abs().max().into_scalar::<f32>() as f64;
    (largest(found - whole.clone()), largest(whole))
}

#[test]
fn decoding_in_bands_of_any_height_is_decoding() {
    let device = Device::flex();
    let (vae, z) = (vae(&device), noise("z", [2, 4, 7, 5], &device));
    let whole = vae.decode(z.clone());
    for rows in [1, 2, 5, 7, 16, 100] {
        let (apart, largest) = apart(vae.decode_in_bands(z.clone(), bands(rows)), whole.clone());
        assert!(apart <= 1e-5 * largest, "bands of {rows} rows: {apart} of {largest}");
    }
}

#[test]
fn encoding_in_bands_of_any_height_is_encoding() {
    let device = Device::flex();
    let (vae, image) = (vae(&device), noise("image", [2, 3, 56, 40], &device));
    let whole = vae.encode(image.clone());
    for rows in [1, 2, 5, 7, 16, 100] {
        let found = vae.encode_in_bands(image.clone(), bands(rows));
        for (found, whole) in [(found.mean(), whole.mean()), (found.std(), whole.std())] {
            let (apart, largest) = apart(found, whole);
            assert!(apart <= 1e-5 * largest, "bands of {rows} rows: {apart} of {largest}");
        }
    }
}

#[test]
fn maps_in_half_precision_change_no_image_visibly() {
    let device = Device::flex();
    let (vae, z) = (vae(&device), noise("z", [1, 4, 7, 5], &device));
    let whole = vae.decode(z.clone());
    for rows in [3, 16] {
        let (apart, largest) = apart(vae.decode_in_bands(z.clone(), halved(rows)), whole.clone());
        // A step of 1 of 255 is 2 / 255 from -1 to 1.
        assert!(apart > 0.0 && apart <= 0.5 * 2.0 / 255.0, "bands of {rows} rows: {apart} of {largest}");
    }
}

#[test]
fn a_tiny_autoencoder_in_bands_gives_the_same_numbers() {
    let device = Device::flex();
    let vae = TinyModel::vae_tiny().load("", vae_tiny().init(&device));
    let (z, image) = (noise("z", [2, 4, 7, 5], &device), noise("image", [2, 3, 56, 40], &device));
    let (decoded, encoded) = (vae.decode(z.clone()), vae.encode(image.clone()));
    for rows in [1, 3, 8, 100] {
        for (found, whole) in [
            (vae.decode_in_bands(z.clone(), bands(rows)), &decoded),
            (vae.encode_in_bands(image.clone(), bands(rows)), &encoded),
        ] {
            let (apart, largest) = apart(found, whole.clone());
            assert!(apart <= 1e-6 * largest, "bands of {rows} rows: {apart} of {largest}");
        }
    }
}
