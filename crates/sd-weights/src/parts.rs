use std::panic::resume_unwind;
use std::thread;

/// Numbers that are worth a thread.
const LEAST: usize = 1 << 18;

/// Does work on the parts of some numbers at the same time, as many as there are cores; it is told where its part begins.
///
/// The first error in the order of the parts is the whole's.
pub(crate) fn in_parts<T: Send, E: Send>(
    numbers: &mut [T],
    work: impl Fn(usize, &mut [T]) -> Result<(), E> + Sync,
) -> Result<(), E> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let each = numbers.len().div_ceil(cores).max(LEAST);
    if numbers.len() <= each {
        return work(0, numbers);
    }
    let work = &work;
    thread::scope(|scope| {
        let parts = numbers.chunks_mut(each).enumerate();
        let started: Vec<_> = parts.map(|(i, part)| scope.spawn(move || work(i * each, part))).collect();
        started.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_in_one_part_and_the_first_error_is_given() {
        for count in [0, 1, LEAST, 5 * LEAST + 3] {
            let mut numbers = vec![0; count];
            let filled = in_parts(&mut numbers, |start, part| {
                part.iter_mut().enumerate().for_each(|(i, number)| *number += start + i);
                Ok::<_, usize>(())
            });
            assert!(filled.is_ok() && numbers.iter().enumerate().all(|(i, &number)| i == number));
            assert_eq!(in_parts(&mut numbers, |start, _| Err(start)), Err(0));
        }
    }
}
