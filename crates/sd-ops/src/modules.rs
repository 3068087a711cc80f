use burn::nn::conv::Conv2d;
use burn::nn::{GroupNorm, LayerNorm, Linear, PaddingConfig2d};
use burn::tensor::{DType, Tensor};

use crate::attention::{attention, half_attention};
use crate::conv::conv2d;
use crate::edges::{Edge, Edges};
use crate::group_norm::{group_norm, group_norm_silu};
use crate::layer_norm::layer_norm;
use crate::linear::{linear, linear_geglu};
use crate::moments::Moments;
use crate::padding::Padding;
use crate::pixels::concatenate;

/// Returns the module's `forward`, computed by [`conv2d`].
pub fn convolve(conv: &Conv2d, x: Tensor<4>) -> Tensor<4> {
    let [down, sideways] = conv.stride;
    match padding(conv) {
        Some(padding) if down == sideways && conv.dilation == [1, 1] && conv.groups == 1 => {
            convolve_padded(conv, x, padding)
        }
        _ => conv.forward(x),
    }
}

/// Returns the convolution of an image whose edges are not all followed by zeros.
///
/// # Panics
///
/// Panics if any edge is not [`Edge::Zeros`] and the module's padding is "same", if its strides differ, or if it has dilation
/// or groups.
pub fn convolve_within(conv: &Conv2d, x: Tensor<4>, edges: Edges) -> Tensor<4> {
    if edges == Edges::default() {
        return convolve(conv, x);
    }
    let ([down, sideways], zeros) = (conv.stride, padding(conv).expect("explicit padding"));
    assert!(down == sideways && conv.dilation == [1, 1] && conv.groups == 1, "a convolution as in images, not {conv}");
    let x = extend(x, 2, edges.top, edges.bottom, [zeros.top, zeros.bottom]);
    let x = extend(x, 3, edges.sides, edges.sides, [zeros.left, zeros.right]);
    let left = |edge, zeros| if edge == Edge::Zeros { zeros } else { 0 };
    let padding = Padding {
        top: left(edges.top, zeros.top),
        left: left(edges.sides, zeros.left),
        bottom: left(edges.bottom, zeros.bottom),
        right: left(edges.sides, zeros.right),
    };
    convolve_padded(conv, x, padding)
}

/// Returns the convolution with another padding; the stride is the same for rows and columns.
fn convolve_padded(conv: &Conv2d, x: Tensor<4>, padding: Padding) -> Tensor<4> {
    let (weight, bias) = (conv.weight.val(), conv.bias.as_ref().map(|bias| bias.val()));
    #[cfg(feature = "flex")]
    if crate::flex::blocks::are_in(&weight) {
        let (kernel, [stride, _]) = (conv.kernel_size, conv.stride);
        return crate::flex::blocks::conv2d(x, weight, bias, kernel, stride, padding);
    }
    conv2d(x, weight, bias, conv.stride[0], padding)
}

/// Returns the image with pixels of the opposite edges before and after it.
fn extend(x: Tensor<4>, axis: usize, before: Edge, after: Edge, pixels: [usize; 2]) -> Tensor<4> {
    let length = x.dims()[axis];
    let [first, last] = [before, after].map(|edge| edge == Edge::Opposite);
    let mut parts = vec![x.clone()];
    if first && pixels[0] > 0 {
        parts.insert(0, x.clone().slice_dim(axis, length - pixels[0]..length));
    }
    if last && pixels[1] > 0 {
        parts.push(x.slice_dim(axis, 0..pixels[1]));
    }
    concatenate(parts, axis)
}

/// Returns the padding of a module, or none if it depends on the image.
fn padding(conv: &Conv2d) -> Option<Padding> {
    match conv.padding {
        PaddingConfig2d::Valid => Some(Padding::around(0)),
        PaddingConfig2d::Explicit(top, left, bottom, right) => Some(Padding { top, left, bottom, right }),
        PaddingConfig2d::Same => None,
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

/// Returns the SiLU of the module's `forward` for some rows of an image with these moments; see
/// [`Moments::group_norm_silu`].
///
/// # Panics
///
/// Panics if the module has no gamma and beta.
pub fn normalise_silu_by(norm: &GroupNorm, moments: &Moments, x: Tensor<4>) -> Tensor<4> {
    let [gamma, beta] = [&norm.gamma, &norm.beta].map(|parameter| parameter.as_ref().expect("gamma and beta").val());
    moments.group_norm_silu(x, gamma, beta, norm.epsilon)
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
