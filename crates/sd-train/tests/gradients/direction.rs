//! The derivative of a module along a random direction, by its gradients and by central differences.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{DType, Device, Gradients, Tensor, TensorData};
use sd_train::{Purpose, Stream, initialise};

/// The step of the differences: so small that its fourth power is negligible, and so large that the rounding error, 1e-15
/// over the step, is negligible too.
const STEP: f64 = 1e-5;

/// Checks the derivative of `loss` along random directions in the parameters whose path holds each of `parts`.
///
/// All parameters, also those of norms and biases, get random values in double precision.
pub fn check<M: Module>(module: M, parts: &[&str], loss: impl Fn(&M) -> Tensor<1>) {
    let module = in_double_precision(module);
    for part in parts {
        let mut derivative =
            Derivative { part, path: Vec::new(), index: 0, gradients: loss(&module).backward(), sum: 0.0 };
        module.visit(&mut derivative);
        let plain = module.valid();
        let moved = |step: f64| loss(&plain.clone().map(&mut Shift::new(part, step))).into_scalar::<f64>();
        let central = |step: f64| (moved(step) - moved(-step)) / (2.0 * step);
        // Fourth order, because directions are long, some fifty units, and higher derivatives along them are large.
        let expected = (4.0 * central(STEP) - central(2.0 * STEP)) / 3.0;
        let error = (derivative.sum - expected).abs() / expected.abs();
        assert!(expected.abs() > 1e-3, "the loss hardly depends on `{part}`: {expected}");
        assert!(error < 1e-6, "`{part}`: {} by gradients, {expected} by differences, {error:e} apart", derivative.sum);
    }
}

/// Returns the module with random values in all its parameters, in double precision.
pub fn in_double_precision<M: Module>(module: M) -> M {
    initialise(module, 1).map(&mut Double::default()).map(&mut Shift::new("", 0.1))
}

/// Returns a tensor of normal values in double precision.
pub fn random<const D: usize>(shape: [usize; D], seed: u64, device: &Device) -> Tensor<D> {
    let values = Stream::new(seed, Purpose::Noise, 0).normals().take(shape.iter().product());
    Tensor::from_data(TensorData::new(values.collect::<Vec<f64>>(), shape), (device, DType::F64))
}

fn direction<const D: usize>(index: u64, like: &Tensor<D>) -> Tensor<D> {
    random(like.dims(), 1000 + index, &Device::flex())
}

/// Moves parameters to double precision.
#[derive(Default)]
struct Double {}

impl ModuleMapper for Double {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let tensor = param.val().inner().cast(DType::F64).autodiff().require_grad();
        Param::initialized(param.id, tensor)
    }
}

/// Moves parameters along their directions.
struct Shift<'a> {
    part: &'a str,
    step: f64,
    path: Vec<String>,
    index: u64,
}

impl<'a> Shift<'a> {
    fn new(part: &'a str, step: f64) -> Self {
        Self { part, step, path: Vec::new(), index: 0 }
    }
}

impl ModuleMapper for Shift<'_> {
    fn enter_module(&mut self, name: &str, _holder: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _holder: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        self.index += 1;
        if !self.path.join(".").contains(self.part) {
            return param;
        }
        let (id, is_trained, tensor) = (param.id, param.is_require_grad(), param.val().inner());
        let moved = tensor.clone() + direction(self.index, &tensor) * self.step;
        Param::initialized(id, if is_trained { moved.autodiff().require_grad() } else { moved })
    }
}

/// Adds up gradients times directions.
struct Derivative<'a> {
    part: &'a str,
    path: Vec<String>,
    index: u64,
    gradients: Gradients,
    sum: f64,
}

impl ModuleVisitor for Derivative<'_> {
    fn enter_module(&mut self, name: &str, _holder: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _holder: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.index += 1;
        if self.path.join(".").contains(self.part) {
            let gradient = param.val().grad(&self.gradients).expect("every parameter has a gradient");
            self.sum += (direction(self.index, &gradient) * gradient).sum().into_scalar::<f64>();
        }
    }
}
