use std::path::PathBuf;

/// What is wrong with a checkpoint file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// None of the names that weights go by is in the folder.
    #[error("{}: no weights here; looked for {looked_for}", folder.display())]
    NotFound {
        /// The folder.
        folder: PathBuf,
        /// The names that were tried.
        looked_for: String,
    },
    /// The file cannot be opened, read or written.
    #[error("{}: {source}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file ends early: a download that broke off.
    #[error("{}: truncated, it has {found} bytes instead of {expected}; download it again", file.display())]
    Truncated {
        /// The file.
        file: PathBuf,
        /// Bytes that its header promises.
        expected: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// The file is not what its name says.
    #[error("{}: not a {format} file: {reason}", file.display())]
    Format {
        /// The file.
        file: PathBuf,
        /// What it should be.
        format: &'static str,
        /// Why it is not.
        reason: String,
    },
    /// The file is a pickle that asks for something to be called or made that no weights need.
    #[error(
        "{}: this pickle asks for `{global}`, which no weights need and which is not run: it may be malicious, or of a \
         program that keeps more than weights in it; get the model as safetensors, from where you trust it",
        file.display()
    )]
    Forbidden {
        /// The file.
        file: PathBuf,
        /// What it asks for, as `module.name`.
        global: String,
    },
    /// The file is something else than a Stable Diffusion checkpoint that can be drawn with.
    #[error("{}: this is {what}: {remedy}", file.display())]
    NotAModel {
        /// The file.
        file: PathBuf,
        /// What it is.
        what: String,
        /// What to do.
        remedy: String,
    },
    /// The file's keys do not fit the network.
    #[error("{}: these weights do not fit the network that the model's configs describe: {problems}", file.display())]
    Mismatch {
        /// The file, or the folder of several.
        file: PathBuf,
        /// What is missing, left over or of another shape.
        problems: String,
    },
    /// A LoRA file does not fit the model.
    #[error("{}: {reason}; is it for a model of another family?", file.display())]
    Lora {
        /// The file.
        file: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// A LoRA file is for no model: its kind is not known, or what it says of itself cannot be.
    #[error("{}: this LoRA cannot be merged: {reason}", file.display())]
    Unmergeable {
        /// The file.
        file: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
    /// A tensor is of a type that is not read.
    #[error("{}: `{key}` is of type {found}, expected a float (f64, f32, f16, bf16, f8) or an integer", file.display())]
    WrongType {
        /// The file.
        file: PathBuf,
        /// Its key.
        key: String,
        /// The type found.
        found: String,
    },
    /// The weights are quantized in a way that is not read.
    #[error("{}: `{key}` says that these weights are quantized in a way that is not read: get them as f16, bf16 or f8", file.display())]
    Quantized {
        /// The file, or the folder of several.
        file: PathBuf,
        /// A key that says so.
        key: String,
    },
    /// Whoever watched the writing of a file asked to stop.
    #[error("{}: stopped before it was complete; nothing is left of it", file.display())]
    Stopped {
        /// The file.
        file: PathBuf,
    },
    /// A weight is infinite or not a number.
    #[error("{}: `{key}` holds a weight that is {found}; the file is damaged, or {dtype} is too narrow for it", file.display())]
    NotFinite {
        /// The file.
        file: PathBuf,
        /// Its key.
        key: String,
        /// The weight found, after casting.
        found: f32,
        /// The precision it was cast to.
        dtype: &'static str,
    },
}
