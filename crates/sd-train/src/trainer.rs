use std::ops::Range;

use burn::config::Config;
use burn::module::Module;
use burn::tensor::Tensor;
use serde_json::Value;

use crate::ema::Average;
use crate::optimiser::{Optimiser, Update};
use crate::parameters::{Parameter, gradients, parameters, with_values};
use crate::workers::Workers;
use crate::{OptimiserConfig, Rate, TrainError};

/// The task of a training: its batches and its losses.
pub trait Task<M>: Sync {
    /// The input of one pass through the model.
    type Batch: Send;

    /// Makes the batch of some draws, which are counted over the whole training.
    ///
    /// It depends only on the numbers of the draws and on the [`observe`](Self::observe)d losses, so that a training can
    /// be resumed anywhere.
    fn batch(&self, draws: Range<u64>) -> Self::Batch;

    /// Computes the loss of each draw, `[draws]`. The training minimises its mean.
    fn losses(&self, model: &M, batch: &Self::Batch) -> Tensor<1>;

    /// Is given the averaged model before each step, for tasks whose goals come from it.
    fn follow(&mut self, _averaged: impl FnOnce() -> M) {}

    /// Records the losses of a batch after a step has succeeded.
    fn observe(&mut self, _batch: &Self::Batch, _losses: &[f64]) {}

    /// Returns the observed losses, for a checkpoint.
    fn state(&self) -> Value {
        Value::Null
    }

    /// Restores what [`state`](Self::state) returned.
    ///
    /// # Errors
    ///
    /// What is wrong with `state`, if it is not the state of such a task.
    fn restore(&mut self, state: Value) -> Result<(), serde_json::Error> {
        serde_json::from_value(state)
    }
}

/// How a model is trained.
#[derive(Config, Debug, Copy, PartialEq)]
pub struct TrainerConfig {
    /// The learning rate.
    pub rate: Rate,
    /// Draws in each step.
    pub batch: usize,
    /// Passes into which the draws of a step are split, to save memory; divides `batch`.
    #[config(default = 1)]
    pub passes: usize,
    /// Passes that run at the same time, each on its share of the processor's threads; divides `passes`.
    ///
    /// Small networks keep two threads busier with a pass each than with one pass together. The number of workers changes
    /// how sums are rounded, so only the same number gives the same training bit for bit.
    #[config(default = 1)]
    pub workers: usize,
    /// The decay of the [`Average`], in `[0, 1)`: higher for longer trainings.
    pub ema_decay: f64,
    /// The optimiser.
    #[config(default = "OptimiserConfig::new()")]
    pub optimiser: OptimiserConfig,
}

/// A model in training, with the state of the training.
pub struct Trainer<M> {
    pub(crate) model: M,
    pub(crate) average: Average,
    pub(crate) optimiser: Optimiser,
    pub(crate) step: u64,
    pub(crate) config: TrainerConfig,
    pub(crate) workers: Workers,
    /// The caller's own data, which a checkpoint also saves.
    pub notes: Value,
}

/// The result of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// The step, counted from 0.
    pub step: u64,
    /// The mean loss of the draws, before the step.
    pub loss: f64,
    /// The Euclidean norm of all gradients together, before clipping.
    pub gradient_norm: f64,
    /// The learning rate.
    pub rate: f64,
}

impl<M: Module> Trainer<M> {
    /// Starts with a model on an [autodiff device](burn::tensor::Device::autodiff). Its
    /// [frozen](burn::module::Module::freeze) parameters do not change.
    ///
    /// # Panics
    ///
    /// Panics if `workers` does not divide `passes`, if `passes` does not divide `batch`, if one of them is 0, or if
    /// there is nothing to train.
    pub fn new(model: M, config: TrainerConfig) -> Self {
        let TrainerConfig { batch, passes, workers, .. } = config;
        assert!(
            batch > 0 && passes > 0 && batch.is_multiple_of(passes),
            "a batch of {batch} cannot be split into {passes} passes"
        );
        assert!(
            workers > 0 && passes.is_multiple_of(workers),
            "{passes} passes cannot be split among {workers} workers"
        );
        let known = parameters(&model);
        assert!(
            known.iter().any(|(p, _)| p.is_trained),
            "nothing to train: all parameters are frozen, or on a device without autodiff"
        );
        // Laid out as a resumed checkpoint, because the layout of a matrix may change how its products are rounded.
        let copy = |values: Tensor<1>| Tensor::from_data(values.to_data(), (&values.device(), values.dtype()));
        let values: Vec<Tensor<1>> = known.into_iter().map(|(_, values)| copy(values)).collect();
        let count = values.len();
        let model = with_values(model, values);
        let average = Average::new(&model, config.ema_decay);
        let optimiser = Optimiser::new(&config.optimiser, vec![None; count]);
        Self { model, average, optimiser, step: 0, config, workers: Workers::new(workers), notes: Value::Null }
    }

    /// Makes a step on the next draws: clips the gradients of their mean loss, and updates the model by AdamW and its
    /// average.
    ///
    /// # Errors
    ///
    /// [`TrainError::NotFinite`]; then nothing has changed.
    pub fn step<T: Task<M>>(&mut self, task: &mut T) -> Result<Progress, TrainError> {
        task.follow(|| self.averaged());
        let passes = self.passes(task);
        let (losses, squares) = read_back(&passes.losses, &passes.gradients);
        let loss = self.finite("loss", losses.iter().sum::<f64>() / self.config.batch as f64)?;
        let gradient_norm = self.finite("norm of the gradients", squares.iter().sum::<f64>().sqrt())?;
        let rate = self.config.rate.at(self.step);

        let known = parameters(&self.model).into_iter();
        let updates = known.zip(passes.gradients).map(|((parameter, values), gradient)| Update {
            values,
            gradient,
            decays: parameter.shape.num_dims() > 1,
        });
        let values = self.optimiser.step(self.step, rate, gradient_norm, updates.collect());
        self.model = with_values(self.model.clone(), values);
        self.average.update(&self.model);

        let each = self.config.batch / self.config.passes;
        passes.batches.iter().zip(losses.chunks(each)).for_each(|(batch, losses)| task.observe(batch, losses));
        let progress = Progress { step: self.step, loss, gradient_norm, rate };
        self.step += 1;
        Ok(progress)
    }

    /// Computes the losses of the next draws and the gradients of their mean, summed over the passes in order.
    fn passes<T: Task<M>>(&self, task: &T) -> Passes<T::Batch> {
        let mut done = Passes { batches: Vec::new(), losses: Vec::new(), gradients: Vec::new() };
        let TrainerConfig { batch, passes, workers, .. } = self.config;
        let each = (batch / passes) as u64;
        let first = self.step * batch as u64;
        let draws: Vec<Range<u64>> = (0..passes as u64).map(|i| first + i * each..first + (i + 1) * each).collect();
        for at_once in draws.chunks(workers) {
            // Each pass has its own copy of the parameters, so that passes share no autodiff graph.
            let passes = at_once.iter().map(|draws| (draws.clone(), self.model_copy())).collect();
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

    fn model_copy(&self) -> M {
        let values = parameters(&self.model).into_iter().map(|(_, values)| values).collect();
        with_values(self.model.clone(), values)
    }

    fn finite(&self, what: &'static str, found: f64) -> Result<f64, TrainError> {
        if found.is_finite() { Ok(found) } else { Err(TrainError::NotFinite { step: self.step, what, found }) }
    }

    /// The current model, on its autodiff device.
    pub fn model(&self) -> &M {
        &self.model
    }

    /// Returns the model with its averaged parameters, without autodiff: the one to draw with.
    pub fn averaged(&self) -> M {
        self.average.module(&self.model)
    }

    /// Number of steps made.
    pub fn steps(&self) -> u64 {
        self.step
    }

    /// Number of values that are trained.
    pub fn trained_values(&self) -> usize {
        parameters(&self.model).iter().filter(|(p, _)| p.is_trained).map(|(p, _)| p.shape.num_elements()).sum()
    }

    /// Number of bytes that the tensors of a [checkpoint](Self::save) have after a step: of each parameter, its average and, if it is
    /// trained, two moments. They are in memory twice while it is written.
    pub fn checkpoint_bytes(&self) -> usize {
        let bytes = |p: &Parameter| (if p.is_trained { 4 } else { 2 }) * p.shape.num_elements() * p.dtype.size();
        parameters(&self.model).iter().map(|(parameter, _)| bytes(parameter)).sum()
    }

    /// The config of the training.
    pub fn config(&self) -> &TrainerConfig {
        &self.config
    }
}

/// Makes one pass: returns its batch, its losses, and the gradients of their share in the mean of the whole batch.
fn pass<M: Module, T: Task<M>>(
    task: &T,
    model: &M,
    draws: Range<u64>,
    batch_size: usize,
) -> (T::Batch, Tensor<1>, Vec<Option<Tensor<1>>>) {
    let count = draws.clone().count();
    let batch = task.batch(draws);
    let losses = task.losses(model, &batch);
    assert_eq!(losses.dims(), [count], "a task returns one loss for each draw");
    let mut found = (losses.clone().sum() / batch_size as f64).backward();
    (batch, losses.inner(), gradients(model, &mut found))
}

/// The results of a step's passes.
struct Passes<B> {
    batches: Vec<B>,
    losses: Vec<Tensor<1>>,
    gradients: Vec<Option<Tensor<1>>>,
}

/// Reads the losses and the sum of squares of each gradient, in one transfer from the device.
fn read_back(losses: &[Tensor<1>], gradients: &[Option<Tensor<1>>]) -> (Vec<f64>, Vec<f64>) {
    let squares = gradients.iter().flatten().map(|gradient| gradient.clone().square().sum());
    let values = Tensor::cat(losses.iter().cloned().chain(squares).collect(), 0).into_data();
    let mut losses_read: Vec<f64> = values.iter::<f64>().collect();
    let squares = losses_read.split_off(losses.iter().map(|losses| losses.dims()[0]).sum());
    (losses_read, squares)
}
