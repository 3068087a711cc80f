use std::cell::Cell;

use burn::tensor::{Device, Gradients, Tensor, TensorData};

/// Returns the largest difference of two tensors, relative to the largest value of `theirs`.
pub fn distance<const D: usize>(ours: Tensor<D>, theirs: Tensor<D>) -> f64 {
    assert_eq!(ours.dims(), theirs.dims());
    let values = |tensor: Tensor<D>| tensor.into_data().iter::<f64>().collect::<Vec<_>>();
    let (ours, theirs) = (values(ours), values(theirs));
    let largest = theirs.iter().fold(f64::MIN_POSITIVE, |most, x| most.max(x.abs()));
    let worst = ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs());
    // The sum is not finite if any value is not.
    assert!(ours.iter().sum::<f64>().is_finite());
    worst.fold(0.0, f64::max) / largest
}

/// Returns the distance of two outputs, and the gradients of both along one random direction.
pub fn compare<const D: usize>(ours: Tensor<D>, theirs: Tensor<D>) -> (f64, [Gradients; 2]) {
    let slope = random(theirs.dims(), &theirs.device());
    let gradients = [&ours, &theirs].map(|output| (output.clone() * slope.clone()).sum().backward());
    (distance(ours.inner(), theirs.inner()), gradients)
}

/// Returns the distance of two gradients of an input.
pub fn between<const D: usize>(input: &Tensor<D>, [ours, theirs]: &[Gradients; 2]) -> f64 {
    distance(input.grad(ours).unwrap(), input.grad(theirs).unwrap())
}

thread_local! {
    static STATE: Cell<u64> = const { Cell::new(1) };
}

/// Returns normally distributed values. They are the same in each run of a test, because each test has its own thread.
pub fn random<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    let uniform = || {
        // The constants of Knuth's MMIX.
        STATE.set(STATE.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
        ((STATE.get() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    };
    let normal = || (-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos();
    let values: Vec<f64> = (0..shape.iter().product()).map(|_| normal()).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}
