//! Errors of commands, with their exit codes.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use sd_batch::BatchError;
use sd_device::{is_processor, panic_message};
use sd_engine::{EngineError, Pass};
#[cfg(feature = "evaluate")]
use sd_evaluate::EvaluateError;
use sd_image::ImageError;
use sd_pipeline::{Error, ModelError, WeightsError};
use sd_preprocess::PreprocessError;
use sd_prompt::{ExpandError, StyleError};
#[cfg(feature = "train")]
use sd_recipe::RecipeError;
use sd_tune::TuneError;
use sd_upscale::UpscaleError;

use crate::driver;
use crate::flag_names::with_flags;

/// Why a command failed: a message of one line, and the exit code.
#[derive(Debug)]
pub struct Failure {
    message: String,
    /// 2 for wrong usage, 130 for Ctrl-C as shells expect, else 1.
    pub code: u8,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Failure {
    /// The request is wrong.
    pub fn usage(message: String) -> Self {
        Self { message, code: 2 }
    }

    /// The request failed.
    pub fn new(message: String) -> Self {
        Self { message, code: 1 }
    }

    /// Puts the flag at fault before the message, unless it is there.
    pub fn with_flag(self, flag: &str) -> Self {
        let has_flag = self.message.starts_with(flag);
        Self { message: if has_flag { self.message } else { format!("{flag} {}", self.message) }, ..self }
    }

    /// Replaces parts of the message: flags that another flag stands for.
    pub fn replaced(self, parts: &[(&str, &str)]) -> Self {
        let message = parts.iter().fold(self.message, |message, (from, to)| message.replace(from, to));
        Self { message, ..self }
    }

    /// Ctrl-C was pressed.
    pub fn cancelled(message: String) -> Self {
        Self { message, code: 130 }
    }
}

#[cfg(feature = "flex")]
impl From<sd_pipeline::VectorsError> for Failure {
    fn from(error: sd_pipeline::VectorsError) -> Self {
        Self::usage(error.to_string())
    }
}

/// An error of the library, with flags in place of its fields. Messages about files name their keys in backticks too, and stay as they
/// are.
fn message(error: &Error) -> String {
    match error {
        Error::Model(ModelError::Weights(error)) if !matches!(error, WeightsError::NotAModel { .. }) => {
            error.to_string()
        }
        other => with_flags(&other.to_string()),
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let cancelled = matches!(error, Error::Cancelled { .. });
        let cause = if let Error::Backend(_) = error { driver::error() } else { None };
        let cause = cause.map(|message| format!(" (driver: {message})")).unwrap_or_default();
        Self { message: format!("{}{cause}", message(&error)), code: code(cancelled, error.is_usage()) }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let code = code(error.is_cancelled(), error.is_usage());
        match error {
            EngineError::Pipeline(error) => error.into(),
            EngineError::Pass { pass: Pass::Hires, source } => {
                Self::from(source).replaced(&[("--strength", "--hires-strength"), ("--steps", "--hires-steps")])
            }
            EngineError::Pass { source, .. } => Self::from(source)
                .replaced(&[("--denoising-start", "--refiner-start"), ("--denoising-end", "--refiner-start")]),
            EngineError::Network { field, source } => {
                Self::from(source).with_flag(&format!("--{}", field.replace('_', "-")))
            }
            EngineError::Upscale(error) => Self::from(error).with_flag("--hires-upscaler"),
            error => Self { message: with_flags(&error.to_string()), code },
        }
    }
}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        let cancelled = matches!(error, ModelError::Cancelled { .. });
        Self { code: code(cancelled, error.is_usage()), message: message(&Error::from(error)) }
    }
}

impl From<TuneError> for Failure {
    fn from(error: TuneError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<sd_pipeline::RequestError> for Failure {
    fn from(error: sd_pipeline::RequestError) -> Self {
        Error::from(error).into()
    }
}

impl From<sd_device::DeviceError> for Failure {
    fn from(error: sd_device::DeviceError) -> Self {
        Error::from(error).into()
    }
}

#[cfg(feature = "evaluate")]
impl From<EvaluateError> for Failure {
    fn from(error: EvaluateError) -> Self {
        let cancelled = error.is_cancelled();
        match error {
            EvaluateError::Pipeline(error) => error.into(),
            _ => Self {
                message: error.to_string().replace("`batch`", "--batch"),
                code: code(cancelled, error.is_usage()),
            },
        }
    }
}

impl From<ImageError> for Failure {
    fn from(error: ImageError) -> Self {
        Error::from(error).into()
    }
}

impl From<BatchError> for Failure {
    fn from(error: BatchError) -> Self {
        match error {
            BatchError::Model { file, line, source } => {
                let failure = Self::from(*source);
                Self { message: format!("{}, line {line}: {failure}", file.display()), ..failure }
            }
            _ => {
                let message = ["queue", "nats", "dead_after"].iter().fold(error.to_string(), |message, option| {
                    message.replace(&format!("`{option}`"), &format!("--{}", option.replace('_', "-")))
                });
                Self { message, code: code(false, error.is_usage()) }
            }
        }
    }
}

impl From<ExpandError> for Failure {
    fn from(error: ExpandError) -> Self {
        let message = error.to_string().replace("`wildcards`", "--wildcards");
        Self { message, code: code(false, error.is_usage()) }
    }
}

impl From<StyleError> for Failure {
    fn from(error: StyleError) -> Self {
        Self { message: error.to_string(), code: code(false, error.is_usage()) }
    }
}

impl From<PreprocessError> for Failure {
    fn from(error: PreprocessError) -> Self {
        Self::usage(error.to_string().replace(" mask", " --mask"))
    }
}

impl From<UpscaleError> for Failure {
    fn from(error: UpscaleError) -> Self {
        let message = match &error {
            // Messages about files name their keys in backticks too.
            UpscaleError::Weights(_) | UpscaleError::Unsupported { .. } => error.to_string(),
            _ => ["dtype", "scale", "tile"].iter().fold(error.to_string(), |message, field| {
                message.replace(&format!("`{field}`"), &format!("--{field}"))
            }),
        };
        Self { message, code: code(error.is_cancelled(), error.is_usage()) }
    }
}

#[cfg(feature = "train")]
impl From<RecipeError> for Failure {
    fn from(error: RecipeError) -> Self {
        let cancelled = error.is_cancelled();
        match error {
            RecipeError::Model(error) => error.into(),
            _ => Self { message: error.to_string(), code: code(cancelled, error.is_usage()) },
        }
    }
}

/// Runs work on a device. A panic becomes an error on a GPU, where the driver is the likely cause; on the CPU it is a bug and
/// passes through.
pub fn on_device<E>(device: &str, work: impl FnOnce() -> Result<(), E>) -> Result<(), Failure>
where
    Failure: From<E>,
{
    if is_processor(device) {
        return Ok(work()?);
    }
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => Ok(result?),
        Err(panic) => Err(Error::Backend(panic_message(&*panic)).into()),
    }
}

fn code(cancelled: bool, usage: bool) -> u8 {
    match (cancelled, usage) {
        (true, _) => 130,
        (_, true) => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_a_driver_is_an_error_with_its_message() {
        let panics = |device: &str| on_device(device, || -> Result<(), Error> { panic!("the device is lost") });
        let failure = panics("wgpu:1").unwrap_err();
        assert!(failure.to_string().contains("failed: the device is lost"), "{failure}");
        assert_eq!(failure.code, 1);
        assert!(on_device("wgpu", || Ok::<_, Error>(())).is_ok());
        assert!(catch_unwind(|| panics("flex")).is_err());
    }
}
