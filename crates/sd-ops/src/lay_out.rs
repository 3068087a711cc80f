use burn::module::Module;

/// The module with its weights as the kernels of their device read them, where that is not how checkpoints have them.
///
/// On a GPU the weights of convolutions lie with the channels of a point next to each other; otherwise they would be
/// rewritten at every call. Their shapes stay as they are. To be called once, after loading; on other devices, and without the
/// feature `gpu`, this does nothing.
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
                // Values in one line are written in their order, which a view of them is not.
                let values: Tensor<1> = weight.permute([0, 2, 3, 1]).reshape([outputs * inputs * rows * columns]);
                let weight: Tensor<4> = values.reshape([outputs, rows, columns, inputs]).permute([0, 3, 1, 2]);
                weight.reshape(shape)
            })
        }
    }
}
