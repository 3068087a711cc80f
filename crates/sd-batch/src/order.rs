use std::collections::HashMap;

use sd_engine::Job;

use crate::Item;

/// Puts images that need the same files one after another, so that each model is loaded once. Otherwise the order stays.
pub fn group(items: &mut [Item]) {
    let mut groups = HashMap::new();
    items.sort_by_cached_key(|item| {
        let next = groups.len();
        *groups.entry(files(&item.job)).or_insert(next)
    });
}

/// What a job needs beside its request.
fn files(job: &Job) -> String {
    let files = Job { request: Job::default().request, count: 1, ..job.clone() };
    files.hash()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_model_is_loaded_once_and_the_order_within_it_stays() {
        let item = |model: &str, seed| {
            let mut job = Job { model: Some(model.into()), ..Job::default() };
            job.request.seed = seed;
            Item::new(job, None)
        };
        let mut items = [item("b", 1), item("a", 2), item("b", 3), item("a", 4), item("b", 5)];
        group(&mut items);
        let seeds: Vec<u64> = items.iter().map(|item| item.job.request.seed).collect();
        assert_eq!(seeds, [1, 3, 5, 2, 4]);
    }
}
