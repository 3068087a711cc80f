use burn::nn::conv::Conv2d;
use burn::nn::{GroupNorm, LayerNorm, Linear, PaddingConfig2d};
use burn::tensor::{DType, Tensor};

use crate::attention::{attention, half_attention};
use crate::conv::conv2d;
use crate::group_norm::{group_norm, group_norm_silu};
use crate::layer_norm::layer_norm;
use crate::linear::{linear, linear_geglu};
use crate::padding::Padding;

/// Returns the module's `forward`, computed by [`conv2d`].
pub fn convolve(conv: &Conv2d, x: Tensor<4>) -> Tensor<4> {
    let [down, sideways] = conv.stride;
    let padding = match conv.padding {
        PaddingConfig2d::Valid => Some(Padding::around(0)),
        PaddingConfig2d::Explicit(top, left, bottom, right) => Some(Padding { top, left, bottom, right }),
        PaddingConfig2d::Same => None,
    };
    match padding {
        Some(padding) if down == sideways && conv.dilation == [1, 1] && conv.groups == 1 => {
            conv2d(x, conv.weight.val(), conv.bias.as_ref().map(|bias| bias.val()), down, padding)
        }
        _ => conv.forward(x),
    }
}

/// Returns the module's `forward`, computed by [`group_norm`].
pub fn normalise(norm: &GroupNorm, x: Tensor<4>) -> Tensor<4> {
    match (&norm.gamma, &norm.beta) {
        (Some(gamma), Some(beta)) => group_norm(x, gamma.val(), beta.val(), norm.num_groups, norm.epsilon),
        _ => norm.forward(x),
    }
}

/// Returns the SiLU of the module's `forward`, computed by [`group_norm_silu`].
pub fn normalise_silu(norm: &GroupNorm, x: Tensor<4>) -> Tensor<4> {
    match (&norm.gamma, &norm.beta) {
        (Some(gamma), Some(beta)) => group_norm_silu(x, gamma.val(), beta.val(), norm.num_groups, norm.epsilon),
        _ => burn::tensor::activation::silu(norm.forward(x)),
    }
}

/// Returns the module's `forward`, computed by [`layer_norm`]. The module does not reveal its epsilon, so pass the same one.
pub fn normalise_tokens<const D: usize>(norm: &LayerNorm, eps: f64, x: Tensor<D>) -> Tensor<D> {
    match &norm.beta {
        Some(beta) => layer_norm(x, norm.gamma.val(), beta.val(), eps),
        None => norm.forward(x),
    }
}

/// Returns an [`attention`] whose products are as precise as those of a layer.
///
/// It is a [`half_attention`] if the layer's weight is in bf16 and `q` in single precision.
pub fn attend(layer: &Linear, q: Tensor<4>, k: Tensor<4>, v: Tensor<4>) -> Tensor<4> {
    let is_half = layer.weight.val().dtype() == DType::BF16 && q.dtype() == DType::F32;
    if is_half { half_attention(q, k, v) } else { attention(q, k, v) }
}

/// Returns the module's `forward`, computed by [`linear`].
pub fn project<const D: usize>(layer: &Linear, x: Tensor<D>) -> Tensor<D> {
    linear(x, layer.weight.val(), layer.bias.as_ref().map(|bias| bias.val()))
}

/// Returns the GEGLU of the module's `forward`, computed by [`linear_geglu`].
pub fn project_geglu<const D: usize>(layer: &Linear, x: Tensor<D>) -> Tensor<D> {
    linear_geglu(x, layer.weight.val(), layer.bias.as_ref().map(|bias| bias.val()))
}
