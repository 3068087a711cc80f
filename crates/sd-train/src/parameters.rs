//! A module's parameters as a list of vectors in the module's own order, to average, update and save them.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{DType, Gradients, Shape, Tensor};

/// A parameter without its values.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Parameter {
    /// Its path, such as `blocks.0.norm.gamma`.
    pub path: String,
    /// The type of the module that holds it.
    pub holder: String,
    pub shape: Shape,
    pub dtype: DType,
    /// Whether it is trained, rather than frozen.
    pub is_trained: bool,
}

/// Returns every parameter of a module with its values, as contiguous tensors without autodiff.
pub(crate) fn parameters<M: Module>(module: &M) -> Vec<(Parameter, Tensor<1>)> {
    let mut reader = Reader { path: Vec::new(), holders: Vec::new(), found: Vec::new() };
    module.visit(&mut reader);
    reader.found
}

/// Returns the module with other values in its parameters, in the same order.
pub(crate) fn with_values<M: Module>(module: M, values: Vec<Tensor<1>>) -> M {
    let mut writer = Writer { values: values.into_iter() };
    let module = module.map(&mut writer);
    assert!(writer.values.next().is_none(), "more vectors than parameters");
    module
}

/// Returns one gradient per parameter: none for a frozen one, and zeros where the loss does not depend on it.
pub(crate) fn gradients<M: Module>(module: &M, gradients: &mut Gradients) -> Vec<Option<Tensor<1>>> {
    let mut picker = Picker { gradients, picked: Vec::new() };
    module.visit(&mut picker);
    picker.picked
}

struct Reader {
    path: Vec<String>,
    holders: Vec<String>,
    found: Vec<(Parameter, Tensor<1>)>,
}

impl ModuleVisitor for Reader {
    fn enter_module(&mut self, name: &str, holder: &str) {
        self.path.push(name.to_string());
        self.holders.push(holder.trim_start_matches("Struct:").to_string());
    }

    fn exit_module(&mut self, _name: &str, _holder: &str) {
        self.path.pop();
        self.holders.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val();
        let parameter = Parameter {
            path: self.path.join("."),
            holder: self.holders.last().cloned().unwrap_or_default(),
            shape: tensor.shape(),
            dtype: tensor.dtype(),
            is_trained: tensor.is_require_grad(),
        };
        self.found.push((parameter, flat(tensor.inner())));
    }
}

struct Writer {
    values: std::vec::IntoIter<Tensor<1>>,
}

impl ModuleMapper for Writer {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let values = self.values.next().expect("as many vectors as parameters");
        let (id, old) = (param.id, param.val());
        let values = values.reshape(old.dims());
        let values = match old.gradient_checkpointing_strategy() {
            Some(strategy) => values.autodiff().with_gradient_checkpointing_strategy(strategy),
            None => values,
        };
        param.transform_for_load(values, id)
    }
}

struct Picker<'a> {
    gradients: &'a mut Gradients,
    picked: Vec<Option<Tensor<1>>>,
}

impl ModuleVisitor for Picker<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val();
        let gradient = tensor.is_require_grad().then(|| match tensor.grad_remove(self.gradients) {
            Some(gradient) => flat(gradient),
            None => flat(tensor.inner().zeros_like()),
        });
        self.picked.push(gradient);
    }
}

fn flat<const D: usize>(tensor: Tensor<D>) -> Tensor<1> {
    let count = tensor.shape().num_elements();
    tensor.reshape([count])
}

#[cfg(test)]
mod tests {
    use burn::nn::{Linear, LinearConfig};
    use burn::tensor::Device;

    use super::*;

    fn linear() -> Linear {
        LinearConfig::new(2, 3).init(&Device::flex().autodiff())
    }

    #[test]
    fn parameters_are_named_by_their_path() {
        let found = parameters(&linear());
        let named: Vec<_> = found.iter().map(|(p, _)| (p.path.as_str(), p.holder.as_str(), p.shape.to_vec())).collect();
        assert_eq!(named, [("weight", "Linear", vec![2, 3]), ("bias", "Linear", vec![3])]);
    }

    #[test]
    fn values_find_their_way_back_and_stay_trained() {
        let module = linear();
        let twice = |(_, values): (_, Tensor<1>)| values * 2.0;
        let doubled = with_values(module.clone(), parameters(&module).into_iter().map(twice).collect());
        (module.weight.val() * 2.0).into_data().assert_eq(&doubled.weight.to_data(), true);
        assert!(parameters(&doubled).iter().all(|(p, _)| p.is_trained));
    }

    #[test]
    fn frozen_parameters_have_no_gradient_and_unused_ones_a_zero_gradient() {
        let module = linear();
        let module = Linear { weight: module.weight.set_require_grad(false), bias: module.bias };
        let mut found = module.forward::<2>(Tensor::ones([1, 2], &Device::flex())).sum().backward();
        let found = gradients(&module, &mut found);
        assert!(found[0].is_none());
        found[1].as_ref().unwrap().to_data().assert_eq(&[1.0_f32; 3].into(), true);
        let unused = linear();
        let mut none = module.bias.as_ref().unwrap().val().sum().backward();
        gradients(&unused, &mut none)[0].as_ref().unwrap().to_data().assert_eq(&[0.0_f32; 6].into(), true);
    }
}
