use burn::tensor::{Device, Distribution, Tensor};

/// How far apart two tensors are, of the larger one's largest number.
pub fn distance<const D: usize>(ours: Tensor<D>, theirs: Tensor<D>) -> f64 {
    assert_eq!(ours.dims(), theirs.dims());
    let numbers = |tensor: Tensor<D>| tensor.into_data().iter::<f64>().collect::<Vec<_>>();
    let (ours, theirs) = (numbers(ours), numbers(theirs));
    let largest = theirs.iter().fold(f64::MIN_POSITIVE, |most, x| most.max(x.abs()));
    let worst = ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs());
    // A sum, so that what is not a number stays none.
    assert!(ours.iter().sum::<f64>().is_finite());
    worst.fold(0.0, f64::max) / largest
}

pub fn random<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), device)
}
