//! Memory does not grow from one image to the next.

#![cfg(target_os = "linux")]

use sd_golden::{Kind, TinyModel};
use sd_pipeline::{DType, Device, Pipeline, Request, device_by_name, device_names};

/// Pages of this process in memory, mostly of 4 KiB.
fn pages() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse().unwrap()
}

/// Draws five images, then twenty, and checks that there are no more pages than before. A thread that is first needed late brings
/// buffers of its own, but only once, so there are three attempts.
fn draw_twenty(device: &Device) {
    let model = TinyModel::new(Kind::Sd1);
    let pipeline = Pipeline::open(model.path(), device, DType::F32).unwrap();
    let draw = |seed| {
        let request = Request { steps: Some(2), width: Some(64), height: Some(64), seed, ..Request::new("a cat") };
        pipeline.draw(&request).unwrap();
    };
    (0..5).for_each(draw);
    let twenty = |round: u64| {
        let before = pages();
        (0..20).for_each(|image| draw(5 + 20 * round + image));
        (before, pages())
    };
    // The pixels of twenty images are 60 pages, the tensors behind them many times that.
    let rounds: Vec<_> =
        (0..3).map_while(|round| Some(twenty(round)).filter(|(before, after)| *after >= before + 50)).collect();
    assert!(rounds.len() < 3, "pages grew in every round: {rounds:?}");
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
