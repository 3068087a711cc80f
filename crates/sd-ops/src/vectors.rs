use crate::kernel::vector::Level;

/// The environment asks for vectors that this processor does not have.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("SD_OPS_VECTORS={wanted}: this processor has {}", available.join(", "))]
pub struct VectorsError {
    wanted: String,
    available: Vec<&'static str>,
}

/// The vector instructions that the kernels use: `avx512-bf16`, `avx512`, `avx2`, or `plain` for what the program was compiled for.
///
/// They are the best that the processor has, or those that the environment's `SD_OPS_VECTORS` names, which is for measuring
/// and for tests.
///
/// # Errors
///
/// [`VectorsError`] if `SD_OPS_VECTORS` names others; the kernels then use the best.
pub fn vectors() -> Result<&'static str, VectorsError> {
    let available: Vec<&str> = Level::all().into_iter().map(Level::name).collect();
    match std::env::var("SD_OPS_VECTORS") {
        Ok(wanted) if !available.contains(&wanted.as_str()) => Err(VectorsError { wanted, available }),
        _ => Ok(Level::best().name()),
    }
}
