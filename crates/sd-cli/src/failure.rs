use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use sd_evaluate::EvaluateError;
use sd_pipeline::{Error, is_processor};
use sd_recipe::RecipeError;

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
    #[cfg(feature = "hub")]
    pub fn of(message: String) -> Self {
        Self { message, code: 1 }
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
        Self { message: error.to_string(), code: code(cancelled, error.is_usage()) }
    }
}

impl From<EvaluateError> for Failure {
    fn from(error: EvaluateError) -> Self {
        let cancelled = matches!(error, EvaluateError::Cancelled);
        Self { message: error.to_string(), code: code(cancelled, error.is_usage()) }
    }
}

impl From<RecipeError> for Failure {
    fn from(error: RecipeError) -> Self {
        let cancelled = matches!(error, RecipeError::Cancelled { .. });
        Self { message: error.to_string(), code: code(cancelled, error.is_usage()) }
    }
}

/// Does what the driver of a card may give up on, which it does by a panic. On the processor that would be a bug of ours.
pub fn on_device(device: &str, work: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    if is_processor(device) {
        return work();
    }
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let words = words(&*panic);
        let remedy = "pictures that were finished are kept; try a smaller picture, --dtype f16, or --device flex";
        Err(Failure { message: format!("{device} gave up: {words}; {remedy}"), code: 1 })
    })
}

/// What a panic said, on one line.
pub fn words(panic: &(dyn Any + Send)) -> String {
    let message = panic.downcast_ref::<String>().map(String::as_str);
    message.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message").replace('\n', " ")
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
        let failure = on_device("wgpu:1", || panic!("the device\nis lost")).unwrap_err();
        assert!(failure.to_string().contains("wgpu:1 gave up: the device is lost"), "{failure}");
        assert_eq!(failure.code, 1);
        assert!(on_device("wgpu", || Ok(())).is_ok());
        assert!(catch_unwind(|| on_device("flex", || panic!("a bug"))).is_err());
    }
}
