use std::fmt;

use sd_evaluate::EvaluateError;
use sd_pipeline::Error;
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

fn code(cancelled: bool, usage: bool) -> u8 {
    match (cancelled, usage) {
        (true, _) => 130,
        (_, true) => 2,
        _ => 1,
    }
}
