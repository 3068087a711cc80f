use crate::api_error::ApiError;

/// Runs work that reads files or computes on a thread where it keeps no request waiting.
///
/// # Errors
///
/// If the work panics: that is a bug, and 500.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| ApiError::internal("internal error, please report it"))
}
