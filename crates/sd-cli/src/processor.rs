use crate::failure::Failure;

/// Says how many threads compute, and finds out whether the environment asks for vectors that are not there.
pub fn set_up(threads: Option<u16>) -> Result<(), Failure> {
    #[cfg(feature = "flex")]
    sd_pipeline::vectors()?;
    if let Some(threads) = threads {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.into());
        pool.build_global().map_err(|error| Failure::usage(format!("--threads {threads}: {error}")))?;
    }
    Ok(())
}
