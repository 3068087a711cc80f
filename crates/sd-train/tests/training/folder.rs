//! Weights of a model folder, which read back as they were.

use burn::module::Module;
use burn::tensor::{Device, FloatDType};
use sd_golden::{Kind, ddpm, later_ddpm};
use sd_train::initialise;
use sd_weights::{Weights, save};

use crate::values::values;

fn check_round_trip<M: Module>(module: M) {
    let folder = tempfile::tempdir().unwrap();
    let (module, other) = (initialise(module.clone(), 1), initialise(module, 2));
    let file = folder.path().join("model.safetensors");
    save(&module, &file, FloatDType::F32).unwrap();
    let load = |other| Weights::in_folder(folder.path(), "model").unwrap().load(other, FloatDType::F32).unwrap();
    let loaded = load(other);
    assert_eq!(values(&loaded), values(&module));
    // In half precision, values are rounded once and then stay.
    save(&module, &file, FloatDType::F16).unwrap();
    let rounded = load(loaded);
    assert_ne!(values(&rounded), values(&module));
    save(&rounded, &file, FloatDType::F16).unwrap();
    assert_eq!(values(&load(module)), values(&rounded));
}

#[test]
fn every_part_of_every_family_comes_back_bit_for_bit() {
    let device = Device::flex();
    for kind in Kind::ALL {
        check_round_trip(kind.unet().init(&device));
        check_round_trip(kind.vae().init(&device));
        kind.text().into_iter().for_each(|(_, config)| check_round_trip(config.init(&device)));
    }
    check_round_trip(ddpm().init(&device));
    check_round_trip(later_ddpm().init(&device));
}
