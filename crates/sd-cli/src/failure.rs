use sd_pipeline::Error;
use sd_recipe::RecipeError;

/// Why a command failed.
pub struct Failure {
    /// One line that names the culprit and the remedy.
    pub message: String,
    /// 2 for what was asked, 130 for Ctrl-C as shells expect it, 1 for the rest.
    pub code: u8,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let code = match &error {
            Error::Cancelled { .. } => 130,
            error if error.is_usage() => 2,
            _ => 1,
        };
        Self { message: error.to_string(), code }
    }
}

impl From<RecipeError> for Failure {
    fn from(error: RecipeError) -> Self {
        let code = match &error {
            RecipeError::Cancelled { .. } => 130,
            error if error.is_usage() => 2,
            _ => 1,
        };
        Self { message: error.to_string(), code }
    }
}
