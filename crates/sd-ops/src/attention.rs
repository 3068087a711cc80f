use burn::tensor::Tensor;
use burn::tensor::ops::AttentionModuleOptions;

#[cfg(feature = "flex")]
use crate::flex::{fits, tokens};

/// The mean of the values, weighted for each query with `softmax(q·k / sqrt(width))` over the keys (Vaswani et al. 2017,
/// [arXiv:1706.03762](https://arxiv.org/abs/1706.03762), equation 1).
///
/// # Shapes
///
/// - `q` and the output: `[batch, heads, queries, width]`
/// - `k` and `v`: `[batch, heads, keys, width]`
///
/// # Panics
///
/// Panics if the shapes do not fit each other, or if there are no keys or no width.
pub fn attention(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>) -> Tensor<4> {
    with(q, k, v, false, false)
}

/// An [`attention`] whose values may be rounded to half precision before they are multiplied: on Burn's Flex backend they
/// are if such products are faster on the processor. Sums are in the precision of `q`.
///
/// # Shapes and panics
///
/// As those of [`attention`].
pub fn half_attention(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>) -> Tensor<4> {
    with(q, k, v, false, true)
}

/// An [`attention`] in which each query sees the keys up to its own place alone, of which there are as many as queries.
///
/// # Shapes and panics
///
/// As those of [`attention`]; and it panics if there are not as many keys as queries.
pub fn causal_attention(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>) -> Tensor<4> {
    assert_eq!(q.dims()[2], k.dims()[2], "queries and keys");
    with(q, k, v, true, false)
}

fn with(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>, is_causal: bool, half: bool) -> Tensor<4> {
    let ([batch, heads, _, width], [.., keys, _]) = (q.dims(), k.dims());
    assert_eq!([k.dims(), v.dims()], [[batch, heads, keys, width]; 2], "keys and values for queries of {:?}", q.dims());
    assert!(keys > 0 && width > 0, "{keys} keys of {width} values");
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
