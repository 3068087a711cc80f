use std::thread::available_parallelism;

use crate::failure::Failure;
use crate::print::complain;

/// Says how many threads compute, and finds out whether the environment asks for vectors that are not there.
///
/// More threads than cores gain nothing, and lose a lot where they are many: each piece of work wakes them all.
pub fn set_up(threads: Option<u16>) -> Result<(), Failure> {
    #[cfg(feature = "flex")]
    sd_pipeline::vectors()?;
    if let Some(wanted) = threads.map(usize::from) {
        let cores = available_parallelism().map_or(wanted, usize::from);
        let threads = wanted.min(cores);
        if threads < wanted {
            complain(&format_args!(
                "warning: --threads {wanted}: there are {cores} cores to compute on, so {cores} threads do"
            ));
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build_global().map_err(|error| Failure::usage(format!("--threads {threads}: {error}")))?;
    }
    Ok(())
}
