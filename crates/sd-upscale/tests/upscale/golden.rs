//! Networks of every layout against the reference, on every backend of this build: relative error at most 1e-4.

use std::ops::ControlFlow;
use std::path::PathBuf;

use burn::tensor::{Device, Tensor};
use sd_golden::{assert_close, data, devices, noise};
use sd_upscale::{DType, Image, NetworkConfig, Tile, Upscaler};
use sd_weights::read_tensor;

use crate::{network, upscaler};

/// The tensors of the reference.
fn expected() -> PathBuf {
    data().join("upscalers/networks.safetensors")
}

#[test]
fn networks_of_every_layout_match_the_reference() {
    for (device_name, device) in devices() {
        let image = (noise("image", [1, 3, 8, 12], &device) * 0.2 + 0.5).clamp(0.0, 1.0);
        for name in
            ["old-x4", "old-x2", "plus-x4", "middle-x4", "new-x4", "new-x2", "new-x1", "compact-x4", "compact-x2"]
        {
            assert_close(upscaler(name, &device).enlarge(image.clone()), &expected(), name, device_name);
        }
    }
}

#[test]
fn the_configuration_is_read_from_the_tensors() {
    for (name, scale) in [("old-x4", 4), ("old-x2", 2), ("new-x4", 4), ("new-x2", 2), ("new-x1", 1), ("compact-x4", 4)]
    {
        let (_folder, file) = network(name);
        let file = Upscaler::open(&file).unwrap();
        assert_eq!(file.config().scale(), scale, "{name}");
        if let NetworkConfig::Rrdb(config) = file.config() {
            let blocks = if matches!(name, "old-x4" | "new-x4") { 2 } else { 1 };
            assert_eq!((config.channels, config.growth, config.blocks), (8, 32, blocks), "{name}");
        }
    }
}

#[test]
fn an_image_that_does_not_divide_is_mirrored_at_its_edge() {
    let device = Device::flex();
    let pixels = (noise("odd", [1, 3, 7, 9], &device) * 0.2 + 0.5).clamp(0.0, 1.0);
    let values = (pixels * 2.0 - 1.0).into_data().try_to_vec::<f32>().unwrap();
    let image = Image::from_planes(&values, 9, 7);
    let found = upscaler("new-x2", &device).upscale(&image, Tile::Auto, &mut |_| ControlFlow::Continue(())).unwrap();
    let (values, shape) = read_tensor(&expected(), "odd-x2").unwrap();
    assert_eq!(vec![1, 3, found.height, found.width], shape);
    for (i, value) in values.iter().enumerate() {
        let (part, pixel) = (i / (18 * 14), i % (18 * 14));
        let byte = f32::from(found.rgb[3 * pixel + part]);
        assert!((byte - value.clamp(0.0, 1.0) * 255.0).abs() < 0.51, "{i}");
    }
}

#[test]
fn averaged_weights_are_read_from_a_file_of_pytorch() {
    let device = Device::flex();
    let averaged = Upscaler::open(data().join("upscalers/averaged.pth")).unwrap().load(&device, DType::F32).unwrap();
    let outputs = [upscaler("averaged", &device), averaged].map(|upscaler| {
        upscaler.enlarge(Tensor::full([1, 3, 5, 4], 0.5, &device)).into_data().try_to_vec::<f32>().unwrap()
    });
    assert_eq!(outputs[0], outputs[1]);
    assert!(outputs[0].iter().any(|value| *value != outputs[0][0]));
}
