//! Memory does not grow from one image to the next.

#![cfg(target_os = "linux")]

use sd_golden::{Kind, TinyModel};
use sd_pipeline::{DType, Device, Pipeline, Request, device_by_name, device_names};

/// Pages of this process in memory, mostly of 4 KiB.
fn pages() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse().unwrap()
}

/// Draws five images, then twenty, and checks that there are no more pages than before.
fn draw_twenty(device: &Device) {
    let model = TinyModel::new(Kind::Sd1);
    let pipeline = Pipeline::open(model.path(), device, DType::F32).unwrap();
    let draw = |seed| {
        let request = Request { steps: Some(2), width: Some(64), height: Some(64), seed, ..Request::new("a cat") };
        pipeline.draw(&request).unwrap();
    };
    (0..5).for_each(draw);
    let before = pages();
    (5..25).for_each(draw);
    let after = pages();
    // The pixels of twenty images are 60 pages, the tensors behind them many times that.
    assert!(after < before + 50, "{before} pages became {after}");
}

/// The only test here: others would use memory too.
#[test]
fn twenty_images_take_no_more_memory_than_five() {
    sd_pipeline::keep_memory();
    for (name, compiled) in device_names() {
        if compiled {
            draw_twenty(&device_by_name(name).unwrap());
        }
    }
}
