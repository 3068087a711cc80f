use crate::kernel::simd::Isa;

/// The environment variable `SD_OPS_VECTORS` names vector instructions that this processor lacks.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("SD_OPS_VECTORS={wanted}: this processor has {}", available.join(", "))]
pub struct VectorsError {
    wanted: String,
    available: Vec<&'static str>,
}

/// The vector instructions that the kernels use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vectors {
    /// `amx` (tiles for bf16, and AVX-512), `avx512-bf16`, `avx512`, `avx2`, `neon`, or `plain` for those that the program
    /// was compiled for.
    pub name: &'static str,
    /// Why they were chosen.
    pub reason: &'static str,
}

/// Returns the vector instructions that the kernels use.
///
/// They are the widest of the processor, and those for bf16 only if they are faster than single precision. The environment
/// variable `SD_OPS_VECTORS` selects others, for measurements and tests.
///
/// # Errors
///
/// [`VectorsError`] if `SD_OPS_VECTORS` names vectors that the processor lacks. The kernels then ignore the variable.
pub fn vectors() -> Result<Vectors, VectorsError> {
    let available: Vec<&str> = Isa::all().into_iter().map(Isa::name).collect();
    match std::env::var("SD_OPS_VECTORS") {
        Ok(wanted) if !available.contains(&wanted.as_str()) => Err(VectorsError { wanted, available }),
        _ => {
            let (isa, reason) = Isa::chosen();
            Ok(Vectors { name: isa.name(), reason })
        }
    }
}
