use burn::module::Module;

/// Returns the module with the weights of its linear layers packed, in the layout that matrix products read.
///
/// Otherwise a weight is packed at each call, which costs time if it is large and has few vectors to multiply: for two
/// prompts, a twentieth of a text encoder's time. Only [`project`](crate::project) takes a packed layer. It can be neither
/// trained nor saved. Call this once, after loading.
///
/// It packs weights on Burn's Flex backend, with the feature `flex`, if they have the memory layout of checkpoints. They may
/// be in single precision, or in bf16 if the processor multiplies that. All other parameters stay as they are.
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
        /// For each module around the parameter, from the outermost: whether it is a linear layer.
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
