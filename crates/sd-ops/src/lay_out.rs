use burn::module::Module;

/// Returns the module with its weights in the memory layout that the kernels of their device read.
///
/// On a GPU the weights of convolutions become channels-last; otherwise they would be rewritten at every call. Shapes do not
/// change. Call it once, after loading. It does nothing on other devices, nor without the feature `gpu`.
pub fn lay_out<M: Module>(module: M) -> M {
    #[cfg(feature = "gpu")]
    return module.map(&mut layer::LayOut);
    #[cfg(not(feature = "gpu"))]
    module
}

#[cfg(feature = "gpu")]
mod layer {
    use burn::module::{ModuleMapper, Param};
    use burn::tensor::Tensor;

    use crate::gpu;

    pub struct LayOut;

    impl ModuleMapper for LayOut {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            if D != 4 || !gpu::fits(&param.val()) {
                return param;
            }
            param.map(|weight| {
                let shape = weight.dims();
                let [outputs, inputs, rows, columns] = [0, 1, 2, 3].map(|axis| shape[axis]);
                let weight: Tensor<4> = weight.reshape([outputs, inputs, rows, columns]);
                // A reshape to one axis writes the values in this order; a permuted view alone would not.
                let values: Tensor<1> = weight.permute([0, 2, 3, 1]).reshape([outputs * inputs * rows * columns]);
                let weight: Tensor<4> = values.reshape([outputs, rows, columns, inputs]).permute([0, 3, 1, 2]);
                weight.reshape(shape)
            })
        }
    }
}
