use std::path::PathBuf;

/// Why a training cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A loss or a gradient is infinite or not a number. The step changed nothing.
    #[error("step {step}: the {what} is {found}; lower the learning rate, or check the data of this step")]
    NotFinite {
        /// The step, counted from 0.
        step: u64,
        /// What is not finite.
        what: &'static str,
        /// Its value.
        found: f64,
    },
    /// A file of a checkpoint cannot be read or written.
    #[error("{}: {source}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// A checkpoint is damaged or belongs to another training.
    #[error("{}: {reason}", file.display())]
    Checkpoint {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}
