//! The number of CPU threads.

use std::thread::available_parallelism;

use crate::failure::Failure;
use crate::print::complain;

/// The environment variable for the number of threads.
const VARIABLE: &str = "RAYON_NUM_THREADS";

/// Sets the number of threads, and checks that the CPU has the vectors that the environment requests.
///
/// There are never more threads than cores: they gain nothing, and many of them cost a lot, because each piece of work wakes
/// them all.
pub fn set_up(threads: Option<u16>) -> Result<(), Failure> {
    #[cfg(feature = "flex")]
    sd_pipeline::vectors()?;
    let from_environment = || std::env::var(VARIABLE).ok()?.parse().ok().filter(|threads| *threads > 0);
    let (name, wanted) = match (threads, from_environment()) {
        (Some(threads), _) => ("--threads", usize::from(threads)),
        (None, Some(threads)) => (VARIABLE, threads),
        (None, None) => return Ok(()),
    };
    let cores = available_parallelism().map_or(wanted, usize::from);
    if wanted > cores {
        complain(&format_args!("warning: {name} {wanted}: using {cores} threads, because there are {cores} cores"));
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(wanted.min(cores));
    pool.build_global().map_err(|error| Failure::usage(format!("{name} {wanted}: {error}")))
}
