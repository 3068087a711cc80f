use burn::tensor::Tensor;
use burn::tensor::ops::AttentionModuleOptions;

#[cfg(feature = "flex")]
use crate::flex::{fits, tokens};

/// Returns for each query the mean of the values, weighted with `softmax(q·k / sqrt(width))` over the keys (Vaswani et al.
/// 2017, [arXiv:1706.03762](https://arxiv.org/abs/1706.03762), equation 1).
///
/// # Shapes
///
/// - `q` and the output: `[batch, heads, queries, width]`
/// - `k` and `v`: `[batch, heads, keys, width]`
///
/// # Panics
///
/// Panics if the shapes do not match, or if the number of keys or the width is zero.
pub fn attention(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>) -> Tensor<4> {
    with(q, k, v, false, false)
}

/// Returns an [`attention`] whose factors may be rounded to half precision before they are multiplied.
///
/// Burn's Flex backend rounds them if the processor multiplies half precision faster. Sums are in the precision of `q`.
///
/// # Shapes and panics
///
/// As those of [`attention`].
pub fn half_attention(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>) -> Tensor<4> {
    with(q, k, v, false, true)
}

/// Returns an [`attention`] in which query `i` sees keys 0 to `i` only.
///
/// # Shapes and panics
///
/// As those of [`attention`]. It also panics unless there are as many keys as queries.
pub fn causal_attention(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>) -> Tensor<4> {
    assert_eq!(q.dims()[2], k.dims()[2], "causal attention needs as many keys as queries");
    with(q, k, v, true, false)
}

fn with(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>, is_causal: bool, half: bool) -> Tensor<4> {
    let ([batch, heads, _, width], [.., keys, _]) = (q.dims(), k.dims());
    assert_eq!(
        [k.dims(), v.dims()],
        [[batch, heads, keys, width]; 2],
        "shapes of keys and values for queries of shape {:?}",
        q.dims()
    );
    assert!(keys > 0 && width > 0, "attention needs keys and a width, not {keys} keys of width {width}");
    #[cfg(feature = "flex")]
    if fits(&q) && fits(&k) && fits(&v) {
        return tokens::attention(q, k, v, is_causal, half);
    }
    #[cfg(feature = "gpu")]
    if crate::gpu::fits(&q) && [k.dtype(), v.dtype()] == [q.dtype(); 2] {
        return crate::gpu::attention(q, k, v, is_causal);
    }
    #[cfg(not(feature = "flex"))]
    let _ = half;
    let options = AttentionModuleOptions { is_causal, ..Default::default() };
    burn::tensor::module::attention(q, k, v, None, None, options)
}
