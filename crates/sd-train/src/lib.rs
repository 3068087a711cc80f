#![doc = include_str!("../README.md")]
//!
//! # Structure
//!
//! A [`Task`] makes batches and computes losses; [`tasks`] has those of an autoencoder, of a U-Net with its text encoder,
//! of a ControlNet, of [adapters](Adapters), of a [word](tasks::PseudoWord) of textual inversion, of a student in [`Consistency`] distillation, and of DDPM's U-Net without a text. The
//! [`Trainer`] makes steps: it adds up gradients over the passes of
//! a batch, clips them, and updates the model by AdamW and then its average. [`Objective`], [`Weighting`] and [`Timesteps`]
//! define the loss of a diffusion model, or [`EdmObjective`] does.
//!
//! # Exactness
//!
//! Random numbers need no state: they are a function of a seed, a [`Purpose`] and the number of the draw, one for each
//! image (see [`Stream`]). So an interrupted training gives the same result: [`Trainer::resume`] continues after
//! [`Trainer::save`] bit for bit, in weights, averages and losses. This needs the same build and the same kind of
//! processor, by which libraries choose the order of sums.
//!
//! A step whose loss or gradients are not finite is an error and changes nothing.

mod adapters;
mod bucket_order;
mod captions;
mod checkpoint;
mod consistency;
mod edm;
mod ema;
mod error;
mod hybrid;
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

pub use adapters::{Adapter, AdapterConfig, AdapterKind, Adapters, RowDropout, Targets};
pub use captions::{is_dropped, shuffled_tags};
pub use consistency::{Consistency, ConsistencyConfig};
pub use edm::EdmObjective;
pub use ema::{Average, decay_at};
pub use error::TrainError;
pub use hybrid::Likelihood;
pub use initial::initialise;
pub use objective::{NoisyImages, Objective};
pub use optimiser::OptimiserConfig;
pub use order::Order;
pub use random::{Purpose, Stream};
pub use rate::Rate;
pub use timesteps::{LossHistory, Timesteps};
pub use trainer::{Progress, Task, Trainer, TrainerConfig};
pub use weighting::Weighting;
