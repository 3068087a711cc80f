use std::path::PathBuf;

/// Why a training cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A loss or a gradient is infinite or not a number. Nothing was changed by the step.
    #[error("step {step}: the {what} is {found}; lower the learning rate, or look at what the step was shown")]
    NotFinite {
        /// The step, counted from 0.
        step: u64,
        /// What is not finite.
        what: &'static str,
        /// What it is.
        found: f64,
    },
    /// A file of a checkpoint cannot be read or written.
    #[error("{}: {source}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A checkpoint is damaged, or of another training.
    #[error("{}: {reason}", file.display())]
    Checkpoint {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}
