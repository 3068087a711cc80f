//! What is given back on any thread is there for the next tensor.

#![cfg(all(target_os = "linux", target_env = "gnu"))]

/// How often this thread was given a page.
fn pages_given() -> usize {
    let text = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
    // The tenth field; the second is a name in brackets.
    text.rsplit(')').next().unwrap().split_whitespace().nth(7).unwrap().parse().unwrap()
}

/// The only test here: heaps are chosen when threads begin.
#[test]
fn memory_is_kept_on_other_threads_too() {
    sd_ops::one_heap();
    sd_ops::keep_memory();
    let given = std::thread::spawn(|| {
        let tensors = || [1 << 20, 40 << 20, 90 << 20].map(|count| std::hint::black_box(vec![1_u8; count]));
        drop(tensors());
        let before = pages_given();
        (0..5).for_each(|_| drop(tensors()));
        pages_given() - before
    });
    let given = given.join().unwrap();
    // They have 33 thousand pages each time.
    assert!(given < 1000, "{given} pages were given again");
}
