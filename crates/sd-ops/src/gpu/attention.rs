use burn::backend::cubecl::dtype_to_elem_type;
use burn::backend::ops::{AttentionModuleOptions, FloatTensorOps};
use burn::tensor::{DType, Slice};
use burn_cubecl::cubecl::tune::{LocalTuner, Tunable, TunableSet, TuneGroup, local_tuner};
use burn_cubecl::kernel::attention::flash_attention;
use burn_cubecl::tensor::CubeTensor;
use burn_cubecl::{CubeBackend, CubeTuneId};
use cubek::attention::forward::launch::{AttentionAutotuneKey, BlueprintStrategy, Strategy};
use cubek::attention::forward::routines::blackbox_accelerated::BlackboxAcceleratedStrategy;

use super::product::{has_matrix_units, is_quick, product};
use super::scratch::{in_parts, rows_at_a_time};
use super::softmax::softmax;

/// Query, key and value, each `[batch, heads, tokens, width]`, and whether the attention is causal.
type Inputs = (CubeTensor, CubeTensor, CubeTensor, bool);
type Kernels = TunableSet<AttentionAutotuneKey, Inputs, CubeTensor>;

const UNITS: Strategy = Strategy::Unit(BlueprintStrategy::Inferred(()));

/// Returns the attention, computed by the fastest kernel for such shapes on this GPU.
///
/// Burn's own choice falls back to a softmax in half precision, of unscaled scores, if none of its kernels for matrix units
/// takes the shape, such as the width of 40 of Stable Diffusion 1.5, or the precision, such as bf16.
pub fn attention(q: CubeTensor, k: CubeTensor, v: CubeTensor, is_causal: bool) -> CubeTensor {
    static TUNER: LocalTuner<AttentionAutotuneKey, CubeTuneId> = local_tuner!("any");
    static HALF_TUNER: LocalTuner<AttentionAutotuneKey, CubeTuneId> = local_tuner!("halves");
    let client = q.client.clone();
    let id = CubeTuneId::new(&client, &q.device);
    let inputs = (q, k, v, is_causal);
    if inputs.0.dtype == DType::F16 && has_matrix_units(&client, DType::F16) {
        return HALF_TUNER.execute(&id, &client, HALF_TUNER.init(&id, half_kernels), inputs);
    }
    TUNER.execute(&id, &client, TUNER.init(&id, kernels), inputs)
}

/// Returns the kernels for any GPU.
fn kernels() -> Kernels {
    let group = TuneGroup::new("attention", |_| 0);
    // A unit holds whole queries in its few registers: a width of 160 takes Mesa a minute to compile.
    let is_narrow = |key: &AttentionAutotuneKey| key.head_dim <= 64 && !is_quick();
    Kernels::new_cloning_inputs(key)
        .with(kernel("blocks", blocks).group(&group, |_| 1))
        .with(kernel("units", in_units).group(&group, move |key| if is_narrow(key) { 1 } else { -1 }))
}

/// Returns the kernels for matrix units that multiply half precision.
fn half_kernels() -> Kernels {
    let group = TuneGroup::new("attention of halves", |_| 0);
    // Its matrix products would have to be tuned first.
    let blocks = kernel("blocks", blocks).group(&group, |_| if is_quick() { 0 } else { 1 });
    Kernels::new_cloning_inputs(key)
        .with(blocks)
        .with(kernel("2 planes", |inputs| in_planes(inputs, 2)).group(&group, |_| 1))
        .with(kernel("4 planes", |inputs| in_planes(inputs, 4)).group(&group, |_| 1))
        .with(kernel("8 planes", |inputs| in_planes(inputs, 8)).group(&group, |_| 1))
}

fn kernel(name: &str, run: fn(Inputs) -> CubeTensor) -> Tunable<AttentionAutotuneKey, Inputs, CubeTensor> {
    Tunable::new(name, move |inputs| Ok::<_, String>(run(inputs)))
}

/// Returns the key under which the choice of a kernel is stored.
///
/// Its sizes are rounded up, so the chosen kernel may refuse some inputs of its key. `blocks` then takes its place.
fn key((q, k, v, _): &Inputs) -> AttentionAutotuneKey {
    let [batch, heads, queries, width] = q.meta.shape().dims();
    let [_, _, keys, values] = v.meta.shape().dims();
    let [of_q, of_k, of_v] = [q, k, v].map(|x| dtype_to_elem_type(x.dtype));
    AttentionAutotuneKey::generate(of_q, of_k, of_v, of_q, batch * heads, queries, width, keys, values, false)
}

/// Returns flash attention (Dao et al. 2022, [arXiv:2205.14135](https://arxiv.org/abs/2205.14135)), if it takes such shapes.
fn flash((q, k, v, is_causal): Inputs, strategy: Strategy) -> Option<CubeTensor> {
    let options = AttentionModuleOptions { is_causal, ..Default::default() };
    flash_attention(q, k, v, None, None, options, strategy).ok()
}

/// Returns flash attention in which each unit has its own queries.
fn in_units(inputs: Inputs) -> CubeTensor {
    flash(inputs.clone(), UNITS).unwrap_or_else(|| blocks(inputs))
}

/// Returns flash attention in matrix units, whose sides are 16.
fn in_planes(inputs: Inputs, planes: u8) -> CubeTensor {
    let strategy = BlackboxAcceleratedStrategy { num_planes: planes, seq_q: 1, seq_kv: 1 };
    let strategy = Strategy::BlackboxAccelerated(BlueprintStrategy::Inferred(strategy));
    padded(inputs.clone(), 16 * planes as usize, 16, strategy).unwrap_or_else(|| blocks(inputs))
}

/// Returns flash attention with queries and widths padded to multiples of these. The zeros do not change the result.
fn padded((q, k, v, is_causal): Inputs, queries: usize, width: usize, strategy: Strategy) -> Option<CubeTensor> {
    let shape: [usize; 4] = q.meta.shape().dims();
    let [batch, heads, ..] = shape;
    let wide = shape[3].next_multiple_of(width);
    let (parts, rows) = parts(shape[2], k.meta.shape()[2], queries);
    // Causal attention needs as many keys as queries: no query sees the padding.
    let keys = if is_causal { rows } else { k.meta.shape()[2] };
    // The kernel divides scores by the root of the padded width.
    let scale = (wide as f64 / shape[3] as f64).sqrt();
    let q = if wide == shape[3] { q } else { CubeBackend::float_mul_scalar(q, scale.into()) };
    let q = CubeBackend::float_reshape(pad(q, parts * rows, wide), [batch, heads * parts, rows, wide].into());
    let [k, v] = [k, v].map(|x| {
        let each = CubeBackend::float_reshape(pad(x, keys, wide), [batch * heads, 1, keys, wide].into());
        let each = if parts == 1 { each } else { CubeBackend::float_repeat_dim(each, 1, parts) };
        CubeBackend::float_reshape(each, [batch, heads * parts, keys, wide].into())
    });
    let out = flash((q, k, v, is_causal), strategy)?;
    let out = CubeBackend::float_reshape(out, [batch, heads, parts * rows, wide].into());
    Some(CubeBackend::float_slice(out, &shape.map(|end| Slice::from(0..end))))
}

/// Returns into how many heads to split the queries of one, and how many queries each gets.
///
/// For four times as many queries as keys, as in an image's attention to its prompt, cubek chooses units of 32×8×16 if a GPU
/// has them, and then finds none for the product with the values.
fn parts(queries: usize, keys: usize, multiple: usize) -> (usize, usize) {
    let most = (4 * keys - 1) / multiple * multiple;
    let parts = if most == 0 { 1 } else { queries.div_ceil(most) };
    (parts, queries.div_ceil(parts).next_multiple_of(multiple))
}

/// Appends zeros along the last two axes.
fn pad(x: CubeTensor, tokens: usize, width: usize) -> CubeTensor {
    let [batch, heads, had, narrow] = x.meta.shape().dims();
    if [had, narrow] == [tokens, width] {
        return x;
    }
    let zeros = CubeBackend::float_zeros([batch, heads, tokens, width].into(), &x.device, x.dtype.into());
    CubeBackend::float_slice_assign(zeros, &[batch, heads, had, narrow].map(|end| Slice::from(0..end)), x)
}

/// Returns attention computed for a block of queries at a time, so that the scores, in single precision, are never all in
/// memory.
fn blocks(inputs: Inputs) -> CubeTensor {
    let [batch, heads, queries, _] = inputs.0.meta.shape().dims();
    let scores = batch * heads * inputs.1.meta.shape()[2];
    blocks_of(rows_at_a_time(&inputs.0.client, queries, scores, DType::F32), inputs)
}

/// Returns attention computed for `most` queries at a time.
fn blocks_of(most: usize, (q, k, v, is_causal): Inputs) -> CubeTensor {
    let dtype = q.dtype;
    let [batch, heads, queries, width] = q.meta.shape().dims();
    let scale = 1.0 / (width as f32).sqrt();
    let k = CubeBackend::float_swap_dims(k, 2, 3);
    in_parts(queries, most, 2, |rows| {
        let first = is_causal.then_some(rows.start);
        let places = [0..batch, 0..heads, rows, 0..width];
        let q = if most == queries { q.clone() } else { CubeBackend::float_slice(q.clone(), &places.map(Slice::from)) };
        let weights = softmax(product(q, k.clone(), DType::F32), scale, first, dtype);
        product(weights, v.clone(), dtype)
    })
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;
    use burn_cubecl::CubeDevice;
    use burn_cubecl::cubecl::ir::FloatKind;
    use burn_cubecl::ops::into_data_sync;

    use super::*;

    /// A shape `[batch, heads, queries, keys, width]`, whether it is causal, and the largest value of queries and keys.
    type Case = ([usize; 5], bool, f32);

    /// Returns query, key and value.
    fn values(([batch, heads, queries, keys, width], _, largest): Case) -> [TensorData; 3] {
        [(queries, largest), (keys, largest), (keys, 1.0)].map(|(tokens, largest)| {
            let mut state = 1u32;
            let mut value = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                // Half precision represents these too.
                ((state >> 24) as f32 - 128.0) / 128.0 * largest
            };
            let values: Vec<f32> = (0..batch * heads * tokens * width).map(|_| value()).collect();
            TensorData::new(values, [batch, heads, tokens, width])
        })
    }

    /// Returns attention by its definition.
    fn exact(case: Case) -> Vec<f64> {
        let ([batch, heads, queries, keys, width], is_causal, _) = case;
        let [q, k, v] = values(case).map(|data| data.try_to_vec::<f32>().unwrap());
        let mut out = Vec::new();
        for head in 0..batch * heads {
            for query in 0..queries {
                let value = |x: &[f32], tokens: usize, token, i| f64::from(x[(head * tokens + token) * width + i]);
                let seen = if is_causal { query + 1 } else { keys };
                let score =
                    |key| (0..width).map(|i| value(&q, queries, query, i) * value(&k, keys, key, i)).sum::<f64>();
                let scores: Vec<f64> = (0..seen).map(|key| score(key) / (width as f64).sqrt()).collect();
                let largest = scores.iter().copied().fold(f64::MIN, f64::max);
                let weights: Vec<f64> = scores.iter().map(|score| (score - largest).exp()).collect();
                let mean =
                    |i| weights.iter().enumerate().map(|(key, weight)| weight * value(&v, keys, key, i)).sum::<f64>();
                out.extend((0..width).map(|i| mean(i) / weights.iter().sum::<f64>()));
            }
        }
        out
    }

    #[track_caller]
    fn assert_near(out: CubeTensor, expected: &[f64], allowed: f64, what: &str) {
        let found = into_data_sync(out).convert::<f32>().try_to_vec::<f32>().unwrap();
        assert_eq!(found.len(), expected.len(), "{what}");
        let error = found.iter().zip(expected).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
        assert!(error <= allowed, "{what}: an error of {error:.1e}");
    }

    #[test]
    fn queries_of_a_prompt_go_as_several_heads() {
        // Queries of 1.5 at 512×512, and of a prompt to itself.
        assert_eq!(parts(4096, 77, 64), (16, 256));
        assert_eq!(parts(1024, 77, 128), (4, 256));
        assert_eq!(parts(64, 77, 32), (1, 64));
        assert_eq!(parts(77, 77, 32), (1, 96));
        assert_eq!(parts(4096, 4096, 128), (1, 4096));
        // Fewer keys than one multiple of queries allows.
        assert_eq!(parts(100, 7, 32), (1, 128));
        assert_eq!(parts(150, 20, 32), (3, 64));
    }

    #[test]
    fn every_kernel_computes_attention() {
        // A width that fits no kernel's tiles; CLIP's; scores beyond the range of f16.
        let cases = [
            (([1, 2, 5, 7, 3], false, 2.0), DType::F32, 3e-6),
            (([2, 2, 77, 77, 24], true, 2.0), DType::F32, 3e-6),
            (([1, 2, 33, 20, 64], false, 200.0), DType::F16, 2e-3),
            // Many queries and few keys.
            (([2, 2, 150, 20, 16], false, 2.0), DType::F32, 3e-6),
        ];
        for device in CubeDevice::enumerate_all() {
            for (case, dtype, allowed) in cases {
                if dtype == DType::F16 && !device.client().properties().supports_type(FloatKind::F16) {
                    continue;
                }
                let expected = exact(case);
                let [q, k, v] =
                    values(case).map(|data| CubeBackend::float_from_data(data.convert_dtype(dtype), &device));
                let inputs = (q, k, v, case.1);
                let check = |kernel: &str, out| assert_near(out, &expected, allowed, &format!("{kernel} of {case:?}"));
                check("blocks", blocks(inputs.clone()));
                check("blocks of 20 queries", blocks_of(20, inputs.clone()));
                check("matrix units", in_planes(inputs.clone(), 2));
                if let Some(out) = flash(inputs.clone(), UNITS) {
                    check("units", out);
                }
                // `padded` is not tried otherwise if there are no matrix units.
                if let Some(out) = padded(inputs, 32, 16, UNITS) {
                    check("padded", out);
                }
            }
        }
    }
}
