use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;

use crate::names::keys;

/// Lists the parameters of a module with the key and the shape that a checkpoint has for each.
///
/// Nothing is initialised for it.
pub fn parameters<M: Module>(module: &M) -> Vec<(String, Vec<usize>)> {
    named_parameters(module).into_iter().map(|(mut names, shape)| (names.swap_remove(0), shape)).collect()
}

/// The same with all the names that each parameter may have, the present one first.
pub(crate) fn named_parameters<M: Module>(module: &M) -> Vec<(Vec<String>, Vec<usize>)> {
    let mut lister = Lister { path: ModulePath::default(), found: Vec::new() };
    module.visit(&mut lister);
    lister.found
}

/// The position of a traversal in a module.
#[derive(Default)]
pub(crate) struct ModulePath {
    path: Vec<String>,
    types: Vec<String>,
}

impl ModulePath {
    pub fn enter(&mut self, name: &str, container: &str) {
        self.path.push(name.to_string());
        self.types.push(container.trim_start_matches("Struct:").to_string());
    }

    pub fn exit(&mut self) {
        self.path.pop();
        self.types.pop();
    }

    /// Returns the type that holds the parameter that is being visited.
    fn module(&self) -> &str {
        self.types.last().map_or("", String::as_str)
    }

    pub fn keys(&self) -> Vec<String> {
        // An enum has one field, whichever its variant, so variants are no part of a key.
        let fields = self.path.iter().zip(&self.types).filter(|(_, holder)| !holder.starts_with("Enum:"));
        keys(&fields.map(|(name, _)| name.as_str()).collect::<Vec<_>>().join("."), self.module())
    }

    /// Whether this is the weight of a linear layer or a convolution.
    pub fn is_weight(&self) -> bool {
        matches!(self.module(), "Linear" | "Conv2d") && self.path.last().is_some_and(|name| name == "weight")
    }

    /// Whether this is the table of an embedding.
    pub fn is_table(&self) -> bool {
        self.module() == "Embedding"
    }

    /// Whether this is a matrix that a checkpoint keeps transposed: `[output, input]`.
    pub fn is_transposed(&self) -> bool {
        self.module() == "Linear" && self.is_weight()
    }

    /// Returns the shape in the file of a parameter that has `shape` here.
    pub fn file_shape(&self, mut shape: Vec<usize>) -> Vec<usize> {
        if self.is_transposed() {
            shape.reverse();
        }
        shape
    }
}

struct Lister {
    path: ModulePath,
    found: Vec<(Vec<String>, Vec<usize>)>,
}

impl ModuleVisitor for Lister {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let shape = self.path.file_shape(param.lazy_shape().to_vec());
        self.found.push((self.path.keys(), shape));
    }
}
