#![doc = include_str!("../README.md")]
//!
//! # How it is put together
//!
//! A [`Task`] says what a model is shown and how wrong it is; [`tasks`] has those of an autoencoder, of a U-Net with
//! its text encoder, and of DDPM's U-Net without one. The [`Trainer`] takes steps: it adds up gradients over the passes of a batch, clips them, and moves
//! the model by AdamW and its average after it. The [`Objective`], [`Weighting`] and [`Timesteps`] are what a diffusion
//! model is trained on.
//!
//! # Exactness
//!
//! Random numbers are not a state but a function of a seed, a [`Purpose`] and the number of the draw, one for each image
//! shown (see [`Stream`]). So a training is the same however it is cut: [`Trainer::resume`] goes on from
//! [`Trainer::save`] bit for bit, weights, averages and losses. The same bits need the same build and the same kind of
//! processor, because libraries choose the order of sums by it.
//!
//! A step that would not be finite is an error, and has changed nothing.

mod captions;
mod checkpoint;
mod ema;
mod error;
mod initial;
mod objective;
mod optimiser;
mod order;
mod parameters;
mod random;
mod rate;
pub mod tasks;
mod timesteps;
mod trainer;
mod weighting;
mod workers;

pub use captions::is_dropped;
pub use ema::{Average, decay_at};
pub use error::TrainError;
pub use initial::initialise;
pub use objective::{Objective, Question};
pub use optimiser::OptimiserConfig;
pub use order::Order;
pub use random::{Purpose, Stream};
pub use rate::Rate;
pub use timesteps::{LossHistory, Timesteps};
pub use trainer::{Progress, Task, Trainer, TrainerConfig};
pub use weighting::Weighting;
