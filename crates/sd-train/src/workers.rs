use std::panic::resume_unwind;
use std::thread;

use rayon::{ThreadPool, ThreadPoolBuilder};

/// Thread pools that run passes at the same time, each with a share of the processor's threads.
pub(crate) struct Workers(Vec<ThreadPool>);

impl Workers {
    /// Creates `count` workers; a single one is the calling thread, with all threads.
    pub fn new(count: usize) -> Self {
        if count == 1 {
            return Self(Vec::new());
        }
        let threads = (rayon::current_num_threads() / count).max(1);
        let pool = || ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be started");
        Self((0..count).map(|_| pool()).collect())
    }

    /// Returns the results of `work` on each item, in their order. There are at most as many items as workers.
    pub fn map<I: Send, O: Send>(&self, items: Vec<I>, work: impl Fn(I) -> O + Sync) -> Vec<O> {
        if self.0.is_empty() {
            return items.into_iter().map(work).collect();
        }
        assert!(items.len() <= self.0.len(), "{} items for {} workers", items.len(), self.0.len());
        let work = &work;
        thread::scope(|scope| {
            let pairs = items.into_iter().zip(&self.0);
            let started: Vec<_> = pairs.map(|(item, pool)| scope.spawn(move || pool.install(|| work(item)))).collect();
            started.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items() {
        for count in [1, 3] {
            let workers = Workers::new(count);
            assert_eq!(workers.map((0..count).collect(), |i| 10 * i), (0..count).map(|i| 10 * i).collect::<Vec<_>>());
        }
    }

    #[test]
    fn all_work_at_the_same_time() {
        let together = Barrier::new(3);
        let leaders = Workers::new(3).map(vec![(); 3], |()| together.wait().is_leader());
        assert_eq!(leaders.iter().filter(|is_leader| **is_leader).count(), 1);
    }
}
