use std::panic::resume_unwind;
use std::thread;

/// The fewest values that are worth a thread.
const LEAST: usize = 1 << 18;

/// Runs `work` on parts of the values in parallel, one part per core, with the index at which each part begins.
///
/// Of several errors, returns that of the first part.
pub(crate) fn in_parts<T: Send, E: Send>(
    values: &mut [T],
    work: impl Fn(usize, &mut [T]) -> Result<(), E> + Sync,
) -> Result<(), E> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let each = values.len().div_ceil(cores).max(LEAST);
    if values.len() <= each {
        return work(0, values);
    }
    let work = &work;
    thread::scope(|scope| {
        let parts = values.chunks_mut(each).enumerate();
        let started: Vec<_> = parts.map(|(i, part)| scope.spawn(move || work(i * each, part))).collect();
        started.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_in_one_part_and_the_first_error_is_returned() {
        for count in [0, 1, LEAST, 5 * LEAST + 3] {
            let mut values = vec![0; count];
            let filled = in_parts(&mut values, |start, part| {
                part.iter_mut().enumerate().for_each(|(i, value)| *value += start + i);
                Ok::<_, usize>(())
            });
            assert!(filled.is_ok() && values.iter().enumerate().all(|(i, &value)| i == value));
            assert_eq!(in_parts(&mut values, |start, _| Err(start)), Err(0));
        }
    }
}
