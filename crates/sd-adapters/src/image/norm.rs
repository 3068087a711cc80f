use burn::nn::LayerNorm;
use burn::tensor::DType;

/// Epsilon of all norms.
pub const EPS: f64 = 1e-5;

/// The precision of a projection, that of a norm in it; its matrices may be narrower.
pub fn dtype(norm: &LayerNorm) -> DType {
    norm.gamma.val().dtype()
}
