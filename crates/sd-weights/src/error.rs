use std::path::PathBuf;

/// Why a checkpoint file cannot be read, used or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The folder has no file with one of the names of weights.
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
        /// The system's error.
        source: std::io::Error,
    },
    /// The file ends early, as an interrupted download does.
    #[error("{}: truncated, it has {found} bytes instead of {expected}; download it again", file.display())]
    Truncated {
        /// The file.
        file: PathBuf,
        /// Its length in bytes according to its header.
        expected: u64,
        /// Its length in bytes.
        found: u64,
    },
    /// The file is not of the expected format.
    #[error("{}: not a {format} file: {reason}", file.display())]
    Format {
        /// The file.
        file: PathBuf,
        /// The expected format.
        format: &'static str,
        /// Why it is not of that format.
        reason: String,
    },
    /// The file is a pickle that asks for a function or a class that weights do not need.
    #[error(
        "{}: this pickle asks for `{global}`, which weights do not need and which is not run: the file may be malicious, or \
         hold more than weights; get the model as safetensors from a source that you trust",
        file.display()
    )]
    Forbidden {
        /// The file.
        file: PathBuf,
        /// The function or class, as `module.name`.
        global: String,
    },
    /// The file is not a supported Stable Diffusion checkpoint.
    #[error("{}: this is {what}: {remedy}", file.display())]
    NotAModel {
        /// The file.
        file: PathBuf,
        /// A description of it.
        what: String,
        /// What to do.
        remedy: String,
    },
    /// The file's keys do not match the network.
    #[error("{}: these weights do not fit the network that the model's configs describe: {problems}", file.display())]
    Mismatch {
        /// The file, or the folder of several.
        file: PathBuf,
        /// The keys that are missing, unknown or of another shape.
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
    /// A LoRA file is of an unknown kind or contradicts itself, whatever the model.
    #[error("{}: this LoRA cannot be merged: {reason}", file.display())]
    Unmergeable {
        /// The file.
        file: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
    /// A tensor is of a type that is not supported.
    #[error("{}: `{key}` is of type {found}, expected a float (f64, f32, f16, bf16, f8), an integer or \
         blocks (q4_0, q4_1, q5_0, q5_1, q8_0, q4_k, q5_k, q6_k)", file.display())]
    WrongType {
        /// The file.
        file: PathBuf,
        /// The tensor's key.
        key: String,
        /// The type found.
        found: String,
    },
    /// The weights are quantized in a way that is not supported.
    #[error("{}: `{key}` belongs to a kind of quantization that is not supported: get the weights as f16, bf16 or f8", file.display())]
    Quantized {
        /// The file, or the folder of several.
        file: PathBuf,
        /// A key that shows it.
        key: String,
    },
    /// The caller stopped the writing of a file.
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
        /// The tensor's key.
        key: String,
        /// The weight found, after casting.
        found: f32,
        /// The precision it was cast to.
        dtype: &'static str,
    },
}
