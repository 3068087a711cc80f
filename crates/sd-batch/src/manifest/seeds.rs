use std::collections::HashMap;

use sd_engine::Job;
use sha2::{Digest, Sha256};

/// Seeds of jobs that have none: the first four bytes of SHA-256 over the job's hash and the number of equal jobs before it.
///
/// So a job keeps its seed when lines are added, removed or moved, and equal lines draw different images.
#[derive(Default)]
pub struct Seeds {
    /// How often a job was there.
    before: HashMap<String, u64>,
}

impl Seeds {
    /// The seed of a job, which has none yet. More images of it keep the first ones, so their number does not count.
    pub fn next(&mut self, job: &Job) -> u64 {
        let mut job = Job { count: 1, ..job.clone() };
        job.request.seed = 0;
        let hash = job.hash();
        let before = self.before.entry(hash.clone()).or_default();
        let digest = Sha256::digest(format!("{hash} {before}"));
        *before += 1;
        // As many digits as the seeds that other programs choose.
        digest[..4].iter().fold(0, |seed, byte| seed << 8 | u64::from(*byte))
    }
}
