use burn::backend::cubecl::dtype_to_storage_type;
use burn::tensor::DType;
use burn_cubecl::cubecl::client::Client;
use burn_cubecl::cubecl::config::autotune::AutotuneLevel;
use burn_cubecl::cubecl::config::{CubeClRuntimeConfig, RuntimeConfig};
use burn_cubecl::cubecl::ir::{ElemType, FloatKind};
use burn_cubecl::kernel::matmul::{MatmulStrategy, matmul};
use burn_cubecl::tensor::CubeTensor;

/// Returns the product of matrices `[.., rows, inputs]` and `[.., inputs, outputs]`.
///
/// On GPUs without matrix units one kernel takes small matrices, and all matrices if tuning is minimal. Other kernels would
/// have to be tried for each shape, and compiled at each start of a program.
pub fn product(a: CubeTensor, b: CubeTensor, dtype: DType) -> CubeTensor {
    let one = (is_quick() || is_small(a.meta.shape(), b.meta.shape())) && !has_matrix_units(&a.client, a.dtype);
    by(if one { MatmulStrategy::Cube } else { MatmulStrategy::Autotune }, a, b, dtype)
}

fn by(strategy: MatmulStrategy, a: CubeTensor, b: CubeTensor, dtype: DType) -> CubeTensor {
    matmul(a, b, None, strategy, dtype).expect("a product of matrices")
}

/// Returns whether tuning is minimal, so that kernels are chosen without trying many.
pub fn is_quick() -> bool {
    matches!(CubeClRuntimeConfig::get().autotune.level, AutotuneLevel::Minimal)
}

/// Returns whether a product has so few values that the choice of its kernel hardly matters.
fn is_small(a: &[usize], b: &[usize]) -> bool {
    // For images of its usual size Stable Diffusion has one such product, of the four channels before its decoder.
    const SMALL: usize = 1 << 17;
    let [of_a, of_b]: [usize; 2] = [a, b].map(|shape| shape.iter().product());
    let [inputs, outputs] = [a, b].map(|shape| shape[shape.len() - 1]);
    of_a + of_b + of_a / inputs * outputs <= SMALL
}

/// Returns whether a GPU has matrix units for this precision.
pub fn has_matrix_units(client: &Client, dtype: DType) -> bool {
    let units = |kind: ElemType| client.properties().features.matmul.cmma.iter().any(|unit| unit.a_type == kind);
    units(dtype_to_storage_type(dtype)) || dtype == DType::F32 && units(ElemType::Float(FloatKind::TF32))
}

#[cfg(test)]
mod tests {
    use burn::backend::ops::FloatTensorOps;
    use burn::tensor::TensorData;
    use burn_cubecl::ops::into_data_sync;
    use burn_cubecl::{CubeBackend, CubeDevice};

    use super::*;

    #[test]
    fn tiny_models_have_small_products_and_stable_diffusion_has_not() {
        assert!(is_small(&[1, 128, 256], &[1, 256, 64]));
        assert!(is_small(&[1, 4096, 4], &[1, 4, 4]));
        // Its timesteps, its captions and the first convolution of its decoder.
        assert!(!is_small(&[1, 2, 320], &[1, 320, 1280]));
        assert!(!is_small(&[1, 12, 77, 64], &[1, 12, 64, 77]));
        assert!(!is_small(&[4096, 36], &[36, 512]));
    }

    #[test]
    fn whichever_kernel_takes_a_product_it_is_the_same() {
        // Few and many, odd and even, with a batch and without.
        for ([batch, rows, inputs, outputs], of_b) in [([2, 5, 7, 3], 1), ([3, 33, 64, 48], 3), ([1, 300, 310, 200], 1)]
        {
            let values = |shape: [usize; 3]| {
                let count = shape.iter().product::<usize>();
                TensorData::new((0..count).map(|i| (i * 37 % 101) as f32 / 50.0 - 1.0).collect(), shape)
            };
            let (a, b) = (values([batch, rows, inputs]), values([of_b, inputs, outputs]));
            let [of_a, of_b] = [&a, &b].map(|data| data.clone().try_to_vec::<f32>().unwrap());
            let exact = |i: usize| -> f64 {
                let (row, column) = (i / outputs, i % outputs);
                let matrix = row / rows * inputs * outputs % of_b.len();
                let term = |j| f64::from(of_a[row * inputs + j]) * f64::from(of_b[matrix + j * outputs + column]);
                (0..inputs).map(term).sum()
            };
            for device in CubeDevice::enumerate_all() {
                for strategy in [MatmulStrategy::Cube, MatmulStrategy::Autotune] {
                    let [a, b] = [&a, &b].map(|data| CubeBackend::float_from_data(data.clone(), &device));
                    let found = into_data_sync(by(strategy, a, b, DType::F32)).try_to_vec::<f32>().unwrap();
                    assert_eq!(found.len(), batch * rows * outputs);
                    for (i, value) in found.into_iter().enumerate() {
                        // Sums of up to 310 products of at most 1: 2e-5 is the rounding of the largest.
                        assert!((f64::from(value) - exact(i)).abs() < 1e-4, "{i}: {value}, not {}", exact(i));
                    }
                }
            }
        }
    }
}
