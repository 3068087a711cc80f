//! Images that are drawn at the same time share the processor's cores.

#![cfg(target_os = "linux")]

use std::fs;
use std::thread;

use sd_golden::{Kind, TinyModel};
use sd_pipeline::{DType, Device, Pipeline, Request};

/// Threads of this process.
fn threads() -> usize {
    fs::read_dir("/proc/self/task").unwrap().count()
}

/// The only test here: others would start threads too.
#[test]
fn two_images_at_a_time_share_one_pool_of_threads_and_are_the_same_as_alone() {
    let model = TinyModel::new(Kind::Sd1);
    let before = threads();
    let pipeline = Pipeline::open(model.path(), &Device::flex(), DType::F32).unwrap();
    let request =
        |seed| Request { steps: Some(4), width: Some(128), height: Some(128), seed, ..Request::new("a red house") };
    let draw = |seed| pipeline.draw(&request(seed)).unwrap().image;
    let together = thread::scope(|scope| {
        let [one, two] = [1, 2].map(|seed| scope.spawn(move || draw(seed)));
        [one.join().unwrap(), two.join().unwrap()]
    });
    assert!(together == [1, 2].map(draw));
    let started = threads() - before;
    assert!(started > 0, "the kernels use threads");
    // The pool's, and the one that reads whether values are finite.
    assert!(started <= thread::available_parallelism().unwrap().get() + 1, "{started} threads were started");
}
