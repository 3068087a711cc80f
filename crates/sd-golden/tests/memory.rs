//! Memory does not grow from one picture to the next.

#![cfg(target_os = "linux")]

use sd_golden::{Kind, TinyModel};
use sd_pipeline::{DType, Device, Pipeline, Request};

/// Pages of this process that are in memory, of 4 KiB mostly.
fn pages() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse().unwrap()
}

/// The only test here: others would take memory of theirs.
#[test]
fn twenty_pictures_take_no_more_memory_than_five() {
    sd_pipeline::keep_memory();
    let model = TinyModel::new(Kind::Sd1);
    let pipeline = Pipeline::from_folder(model.path(), &Device::flex(), DType::F32).unwrap();
    let draw = |seed| {
        let request = Request { steps: Some(2), width: Some(128), height: Some(128), seed, ..Request::new("a cat") };
        pipeline.draw(&request).unwrap();
    };
    (0..5).for_each(draw);
    let before = pages();
    (5..25).for_each(draw);
    let after = pages();
    // The pixels of twenty pictures are 240 pages, the tensors behind them many times that.
    assert!(after < before + 200, "{before} pages became {after}");
}
