use std::ops::Range;

use burn::config::Config;
use burn::module::Module;
use burn::tensor::Tensor;
use serde_json::Value;

use crate::ema::Average;
use crate::optimiser::{Optimiser, Update};
use crate::parameters::{gradients, parameters, with_numbers};
use crate::workers::Workers;
use crate::{OptimiserConfig, Rate, TrainError};

/// What a model is trained to do: what it is shown, and how wrong it is.
pub trait Task<M>: Sync {
    /// What one pass through the model is shown.
    type Batch: Send;

    /// What to show for some draws, which are counted through the whole training.
    ///
    /// This depends on the draws' numbers and on what was [`observe`](Self::observe)d alone, so that a training can be
    /// taken up anywhere.
    fn batch(&self, draws: Range<u64>) -> Self::Batch;

    /// The loss of each draw, `[draws]`, of which the mean is to become small.
    fn losses(&self, model: &M, batch: &Self::Batch) -> Tensor<1>;

    /// Is told what the losses were, once a step has succeeded.
    fn observe(&mut self, _batch: &Self::Batch, _losses: &[f64]) {}

    /// What was observed, for a checkpoint.
    fn state(&self) -> Value {
        Value::Null
    }

    /// Goes back to what [`state`](Self::state) gave.
    ///
    /// # Errors
    ///
    /// What is wrong with `state`, if it was not given by this task.
    fn restore(&mut self, state: Value) -> Result<(), serde_json::Error> {
        serde_json::from_value(state)
    }
}

/// How a model is trained.
#[derive(Config, Debug, Copy, PartialEq)]
pub struct TrainerConfig {
    /// The learning rate.
    pub rate: Rate,
    /// Draws that each step learns from.
    pub batch: usize,
    /// Passes that a step's draws are spread over, to save memory; divides `batch`.
    #[config(default = 1)]
    pub passes: usize,
    /// Passes that are made at the same time, each by its share of the processor's threads; divides `passes`.
    ///
    /// Small networks keep two threads busier with a pass each than with one together. It changes how sums are rounded,
    /// so that a training is only the same bit for bit with as many workers.
    #[config(default = 1)]
    pub workers: usize,
    /// The decay of the [`Average`], in `[0, 1)`.
    #[config(default = 0.9999)]
    pub ema_decay: f64,
    /// The optimiser.
    #[config(default = "OptimiserConfig::new()")]
    pub optimiser: OptimiserConfig,
}

/// A model that is being trained, and all that its training remembers.
pub struct Trainer<M> {
    pub(crate) model: M,
    pub(crate) average: Average,
    pub(crate) optimiser: Optimiser,
    pub(crate) step: u64,
    pub(crate) config: TrainerConfig,
    pub(crate) workers: Workers,
    /// What else is to be found again with a checkpoint, by whoever trains.
    pub notes: Value,
}

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// The step, counted from 0.
    pub step: u64,
    /// The mean of the draws' losses, before the step.
    pub loss: f64,
    /// The Euclidean norm of all gradients together, before it was clipped.
    pub gradient_norm: f64,
    /// The learning rate.
    pub rate: f64,
}

impl<M: Module> Trainer<M> {
    /// Starts with a model on an [autodiff device](burn::tensor::Device::autodiff); what is
    /// [frozen](burn::module::Module::freeze) in it stays as it is.
    ///
    /// # Panics
    ///
    /// Panics if `workers` does not divide `passes`, or that `batch`, if one of them is 0, or if there is nothing to
    /// train.
    pub fn new(model: M, config: TrainerConfig) -> Self {
        let TrainerConfig { batch, passes, workers, .. } = config;
        assert!(batch > 0 && passes > 0 && batch.is_multiple_of(passes), "a batch of {batch} in {passes} passes");
        assert!(workers > 0 && passes.is_multiple_of(workers), "{passes} passes by {workers} workers");
        let known = parameters(&model);
        assert!(
            known.iter().any(|(p, _)| p.is_trained),
            "nothing to train: all is frozen, or on a device without autodiff"
        );
        // Laid out as a checkpoint would be, because the layout of a matrix may change how its products are rounded.
        let copy = |numbers: Tensor<1>| Tensor::from_data(numbers.to_data(), (&numbers.device(), numbers.dtype()));
        let numbers: Vec<Tensor<1>> = known.into_iter().map(|(_, numbers)| copy(numbers)).collect();
        let count = numbers.len();
        let model = with_numbers(model, numbers);
        let average = Average::new(&model, config.ema_decay);
        let optimiser = Optimiser::new(&config.optimiser, vec![None; count]);
        Self { model, average, optimiser, step: 0, config, workers: Workers::new(workers), notes: Value::Null }
    }

    /// Learns from the next draws: the mean of their losses, its gradients clipped, AdamW, and the average.
    ///
    /// # Errors
    ///
    /// [`TrainError::NotFinite`], and then nothing has changed.
    pub fn step<T: Task<M>>(&mut self, task: &mut T) -> Result<Progress, TrainError> {
        let passes = self.passes(task);
        let (losses, squares) = read_back(&passes.losses, &passes.gradients);
        let loss = self.finite("loss", losses.iter().sum::<f64>() / self.config.batch as f64)?;
        let gradient_norm = self.finite("norm of the gradients", squares.iter().sum::<f64>().sqrt())?;
        let rate = self.config.rate.at(self.step);

        let known = parameters(&self.model).into_iter();
        let updates = known.zip(passes.gradients).map(|((parameter, numbers), gradient)| Update {
            numbers,
            gradient,
            decays: parameter.shape.num_dims() > 1,
        });
        let numbers = self.optimiser.step(self.step, rate, gradient_norm, updates.collect());
        self.model = with_numbers(self.model.clone(), numbers);
        self.average.update(&self.model);

        let each = self.config.batch / self.config.passes;
        passes.batches.iter().zip(losses.chunks(each)).for_each(|(batch, losses)| task.observe(batch, losses));
        let progress = Progress { step: self.step, loss, gradient_norm, rate };
        self.step += 1;
        Ok(progress)
    }

    /// The losses of the next draws, and their mean's gradients, summed over the passes in their order.
    fn passes<T: Task<M>>(&self, task: &T) -> Passes<T::Batch> {
        let mut done = Passes { batches: Vec::new(), losses: Vec::new(), gradients: Vec::new() };
        let TrainerConfig { batch, passes, workers, .. } = self.config;
        let each = (batch / passes) as u64;
        let first = self.step * batch as u64;
        let draws: Vec<Range<u64>> = (0..passes as u64).map(|i| first + i * each..first + (i + 1) * each).collect();
        for at_once in draws.chunks(workers) {
            // Each pass has parameters of its own, so that its graph shares nothing with another's.
            let passes = at_once.iter().map(|draws| (draws.clone(), self.model_of_its_own())).collect();
            for (batch, losses, gradients) in
                self.workers.map(passes, |(draws, model)| pass(task, &model, draws, batch))
            {
                done.gradients = match done.batches.len() {
                    0 => gradients,
                    _ => done.gradients.into_iter().zip(gradients).map(|(sum, new)| Some(sum? + new?)).collect(),
                };
                done.batches.push(batch);
                done.losses.push(losses);
            }
        }
        done
    }

    fn model_of_its_own(&self) -> M {
        let numbers = parameters(&self.model).into_iter().map(|(_, numbers)| numbers).collect();
        with_numbers(self.model.clone(), numbers)
    }

    fn finite(&self, what: &'static str, found: f64) -> Result<f64, TrainError> {
        if found.is_finite() { Ok(found) } else { Err(TrainError::NotFinite { step: self.step, what, found }) }
    }

    /// The model as it is now, on its autodiff device.
    pub fn model(&self) -> &M {
        &self.model
    }

    /// The model with the average of its parameters over the last steps, without autodiff: the one to draw with.
    pub fn averaged(&self) -> M {
        self.average.module(&self.model)
    }

    /// Steps that have been made.
    pub fn steps(&self) -> u64 {
        self.step
    }

    /// How the model is trained.
    pub fn config(&self) -> &TrainerConfig {
        &self.config
    }
}

/// One pass: what it was shown, the losses, and the gradients of their share in the mean of the whole batch.
fn pass<M: Module, T: Task<M>>(
    task: &T,
    model: &M,
    draws: Range<u64>,
    batch_size: usize,
) -> (T::Batch, Tensor<1>, Vec<Option<Tensor<1>>>) {
    let count = draws.clone().count();
    let batch = task.batch(draws);
    let losses = task.losses(model, &batch);
    assert_eq!(losses.dims(), [count], "a task gives one loss for each draw");
    let mut found = (losses.clone().sum() / batch_size as f64).backward();
    (batch, losses.inner(), gradients(model, &mut found))
}

/// What a step's passes have found.
struct Passes<B> {
    batches: Vec<B>,
    losses: Vec<Tensor<1>>,
    gradients: Vec<Option<Tensor<1>>>,
}

/// The losses, and the sum of squares of each gradient, in one read from the device.
fn read_back(losses: &[Tensor<1>], gradients: &[Option<Tensor<1>>]) -> (Vec<f64>, Vec<f64>) {
    let squares = gradients.iter().flatten().map(|gradient| gradient.clone().square().sum());
    let numbers = Tensor::cat(losses.iter().cloned().chain(squares).collect(), 0).into_data();
    let mut losses_read: Vec<f64> = numbers.iter::<f64>().collect();
    let squares = losses_read.split_off(losses.iter().map(|losses| losses.dims()[0]).sum());
    (losses_read, squares)
}
