use std::thread::available_parallelism;

use crate::failure::Failure;
use crate::print::complain;

/// The variable by which the thread pool is told how many threads it has.
const VARIABLE: &str = "RAYON_NUM_THREADS";

/// Says how many threads compute, and finds out whether the environment asks for vectors that are not there.
///
/// More threads than cores gain nothing, and lose a lot where they are many: each piece of work wakes them all.
pub fn set_up(threads: Option<u16>) -> Result<(), Failure> {
    #[cfg(feature = "flex")]
    sd_pipeline::vectors()?;
    let of_environment = || std::env::var(VARIABLE).ok()?.parse().ok().filter(|threads| *threads > 0);
    let (name, wanted) = match (threads, of_environment()) {
        (Some(threads), _) => ("--threads", usize::from(threads)),
        (None, Some(threads)) => (VARIABLE, threads),
        (None, None) => return Ok(()),
    };
    let cores = available_parallelism().map_or(wanted, usize::from);
    if wanted > cores {
        complain(&format_args!(
            "warning: {name} {wanted}: there are {cores} cores to compute on, so {cores} threads do"
        ));
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(wanted.min(cores));
    pool.build_global().map_err(|error| Failure::usage(format!("{name} {wanted}: {error}")))
}
