//! The network that reads images back into scenes.

mod augment;
mod folder;
mod head;
mod network;
mod read;
mod task;
mod training;

pub use network::{Classifier, ClassifierConfig};
pub use read::Reading;
pub use training::TrainingConfig;
