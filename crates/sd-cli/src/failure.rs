use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use sd_device::{is_processor, panic_message};
use sd_evaluate::EvaluateError;
use sd_pipeline::Error;
use sd_recipe::RecipeError;

use crate::driver;
use crate::flag_names::with_flags;

/// Why a command failed: the line that says it, and the exit code.
#[derive(Debug)]
pub struct Failure {
    message: String,
    /// 2 for what was asked, 130 for Ctrl-C as shells expect it, 1 for the rest.
    pub code: u8,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Failure {
    /// What was asked cannot be done.
    pub fn usage(message: String) -> Self {
        Self { message, code: 2 }
    }

    /// What was asked went wrong.
    pub fn of(message: String) -> Self {
        Self { message, code: 1 }
    }

    /// The same of the file that `flag` names.
    pub fn at(self, flag: &str) -> Self {
        let is_told = self.message.starts_with(flag);
        Self { message: if is_told { self.message } else { format!("{flag} {}", self.message) }, ..self }
    }

    /// Ctrl-C was pressed.
    #[cfg(feature = "hub")]
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

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let cancelled = matches!(error, Error::Cancelled { .. });
        let complaint = if let Error::Backend(_) = error { driver::complaint() } else { None };
        let complaint = complaint.map(|words| format!("{words}, says the driver; ")).unwrap_or_default();
        Self { message: with_flags(&format!("{complaint}{error}")), code: code(cancelled, error.is_usage()) }
    }
}

impl From<sd_device::DeviceError> for Failure {
    fn from(error: sd_device::DeviceError) -> Self {
        Error::from(error).into()
    }
}

impl From<EvaluateError> for Failure {
    fn from(error: EvaluateError) -> Self {
        let cancelled = error.is_cancelled();
        match error {
            EvaluateError::Pipeline(error) => error.into(),
            _ => Self { message: error.to_string(), code: code(cancelled, error.is_usage()) },
        }
    }
}

impl From<RecipeError> for Failure {
    fn from(error: RecipeError) -> Self {
        let cancelled = error.is_cancelled();
        match error {
            RecipeError::Model(error) => error.into(),
            _ => Self { message: error.to_string(), code: code(cancelled, error.is_usage()) },
        }
    }
}

/// Does what the driver of a GPU may fail at by a panic. On the processor that would be a bug of ours.
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
    fn a_driver_that_gives_up_is_an_error_in_its_own_words() {
        let panics = |device: &str| on_device(device, || -> Result<(), Error> { panic!("the device is lost") });
        let failure = panics("wgpu:1").unwrap_err();
        assert!(failure.to_string().contains("failed: the device is lost"), "{failure}");
        assert_eq!(failure.code, 1);
        assert!(on_device("wgpu", || Ok::<_, Error>(())).is_ok());
        assert!(catch_unwind(|| panics("flex")).is_err());
    }
}
