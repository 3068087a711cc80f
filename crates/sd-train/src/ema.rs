use burn::module::Module;
use burn::tensor::Tensor;

use crate::parameters::{Parameter, parameters, with_values};

/// The exponential moving average of a module's parameters. It draws better images than the parameters of the last step
/// (Ho et al. 2020, appendix B).
///
/// Its decay rises with the number of updates, so that the random start is soon forgotten.
#[derive(Debug, Clone)]
pub struct Average {
    decay: f64,
    updates: u64,
    pub(crate) values: Vec<Tensor<1>>,
}

impl Average {
    /// Starts from the current parameters; `decay`, in `[0, 1)`, is the final decay.
    pub fn new<M: Module>(module: &M, decay: f64) -> Self {
        Self::resume(decay, 0, parameters(module).into_iter().map(|(_, values)| values).collect())
    }

    /// Continues an average after `updates` updates.
    pub(crate) fn resume(decay: f64, updates: u64, values: Vec<Tensor<1>>) -> Self {
        Self { decay, updates, values }
    }

    /// Moves towards the parameters: `average ← d·average + (1 − d)·parameter` with `d` of [`decay_at`]. The average of a
    /// frozen parameter stays the same, bit for bit.
    pub fn update<M: Module>(&mut self, module: &M) {
        let d = decay_at(self.updates, self.decay);
        let old = std::mem::take(&mut self.values).into_iter();
        let mean = |old: Tensor<1>, (parameter, new): (Parameter, Tensor<1>)| {
            if parameter.is_trained { old * d + new * (1.0 - d) } else { old }
        };
        self.values = old.zip(parameters(module)).map(|(old, new)| mean(old, new)).collect();
        self.updates += 1;
    }

    /// Returns the module with the averages as its parameters, without autodiff.
    pub fn module<M: Module>(&self, module: &M) -> M {
        with_values(module.valid(), self.values.clone())
    }
}

/// The decay of the update after `updates` others: `min(decay, (1 + n)/(10 + n))` with `n = updates + 1`, as in
/// TensorFlow's `ExponentialMovingAverage` and diffusers' `EMAModel`.
pub fn decay_at(updates: u64, decay: f64) -> f64 {
    let n = updates as f64 + 1.0;
    decay.min((1.0 + n) / (10.0 + n))
}

#[cfg(test)]
mod tests {
    use burn::nn::{Linear, LinearConfig};
    use burn::tensor::Device;

    use super::*;

    /// A layer of one weight.
    fn layer(weight: f64) -> Linear {
        let layer = LinearConfig::new(1, 1).with_bias(false).init(&Device::flex().autodiff());
        with_values(layer, vec![Tensor::from_data([weight], &Device::flex())])
    }

    fn weight(layer: &Linear) -> f64 {
        layer.weight.val().into_scalar::<f64>()
    }

    #[test]
    fn the_decay_rises_to_its_end() {
        let decays = [0, 1, 8, 88, 1000].map(|updates| decay_at(updates, 0.9));
        assert_eq!(decays, [2.0 / 11.0, 3.0 / 12.0, 10.0 / 19.0, 0.9, 0.9]);
    }

    #[test]
    fn the_average_follows_its_recursion() {
        let mut average = Average::new(&layer(1.0), 0.2);
        let mut expected = 1.0;
        for (i, w) in [3.0, -2.0, 0.5].into_iter().enumerate() {
            average.update(&layer(w));
            let d = [2.0 / 11.0, 0.2, 0.2][i];
            expected = d * expected + (1.0 - d) * w;
        }
        assert!((weight(&average.module(&layer(9.0))) - expected).abs() < 1e-6);
    }

    #[test]
    fn the_averaged_module_records_no_gradients() {
        let module = layer(1.0);
        assert!(!Average::new(&module, 0.9).module(&module).weight.val().is_autodiff());
    }
}
