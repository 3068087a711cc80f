use burn::module::Module;

/// The module with the weights of its linear layers packed, as products of matrices read them.
///
/// Otherwise a weight is packed at each call, which counts where it is large and its vectors are few: for two prompts, a
/// twentieth of a text encoder's time. Only [`project`](crate::project) takes a packed layer; it can be neither trained nor
/// saved. To be called once, after loading.
///
/// On Burn's Flex backend, with the feature `flex`, for weights that lie as in checkpoints, in single precision, and in bf16
/// where the processor multiplies that; all else stays as it is.
pub fn pack<M: Module>(module: M) -> M {
    #[cfg(feature = "flex")]
    return module.map(&mut layers::Pack::default());
    #[cfg(not(feature = "flex"))]
    module
}

#[cfg(feature = "flex")]
mod layers {
    use burn::module::{ModuleMapper, Param};
    use burn::tensor::Tensor;

    use crate::flex::{fits_weight, linear};

    #[derive(Default)]
    pub struct Pack {
        /// Of each module around the parameter, the outermost first, whether it is a linear layer.
        is_linear: Vec<bool>,
    }

    impl ModuleMapper for Pack {
        fn enter_module(&mut self, _name: &str, container: &str) {
            self.is_linear.push(container == "Struct:Linear");
        }

        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.is_linear.pop();
        }

        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let is_weight = D == 2 && self.is_linear.last() == Some(&true) && fits_weight(&param.val());
            if is_weight { param.map(linear::pack) } else { param }
        }
    }
}
