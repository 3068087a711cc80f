//! Decoding in bands of rows, as part of the memory estimate, and components that wrap around.

use burn::tensor::{Device, Tensor};
use sd_device::{DType, DeviceInfo, DeviceKind};
use sd_golden::{Kind, TinyModel, noise};
use sd_model::{Model, Workload, Wrap};

#[test]
fn images_that_do_not_fit_whole_are_decoded_in_bands() {
    let folder = TinyModel::new(Kind::Sd1);
    let model = Model::open(folder.path()).unwrap();
    let device = |available| DeviceInfo {
        name: "flex".into(),
        hardware: String::new(),
        driver: String::new(),
        kind: DeviceKind::Processor,
        memory: None,
        available,
        largest_tensor: None,
        precisions: vec![DType::F32],
    };
    let whole = Workload { width: 4096, height: 4096, rows: 2, tiled: false };
    let need = |workload: &Workload| model.memory(workload, DType::F32, &device(None));
    let (whole_need, banded) = (need(&whole), need(&Workload { tiled: true, ..whole }));
    assert!(2 * banded.decoding < whole_need.decoding, "{banded:?} {whole_need:?}");
    assert_eq!((banded.weights, banded.sampling), (whole_need.weights, whole_need.sampling));
    let enough = (whole_need.weights + whole_need.decoding) as u64;
    for (available, fits) in [(None, true), (Some(enough), true), (Some(enough - 1), false)] {
        assert_eq!(model.decodes_untiled(&whole, DType::F32, &device(available)), fits, "{available:?}");
    }
    let small_tensors = DeviceInfo { largest_tensor: Some(1 << 20), ..device(None) };
    assert!(!model.decodes_untiled(&whole, DType::F32, &small_tensors));
}

#[test]
fn components_that_wrap_around_share_the_weights() {
    let (folder, device) = (TinyModel::new(Kind::Sd1), Device::flex());
    let components = Model::open(folder.path()).unwrap().components(&device, DType::F32).unwrap();
    let wrapped = components.with_wrap(Wrap { x: true, y: false }).unwrap().autoencoder.unwrap();
    let shift = |x: Tensor<4>, columns: usize| {
        let width = x.dims()[3];
        Tensor::cat(vec![x.clone().slice_dim(3, columns..width), x.slice_dim(3, 0..columns)], 3)
    };
    let z = noise("z", [1, 4, 3, 5], &device);
    let apart = (wrapped.decode(shift(z.clone(), 1)) - shift(wrapped.decode(z.clone()), 8)).abs().max();
    assert!(apart.into_scalar::<f32>() < 1e-4);
    // Those that were given stay as they were.
    let plain = components.autoencoder.unwrap();
    let apart = (plain.decode(z.clone()) - wrapped.decode(z)).abs().max();
    assert!(apart.into_scalar::<f32>() > 1e-3);
}
