//! Memory that is freed on any thread is kept for the next tensor.

#![cfg(all(target_os = "linux", target_env = "gnu"))]

/// Returns the number of page faults of this thread.
fn page_faults() -> usize {
    let text = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
    // The tenth field. The second is a name in brackets.
    text.rsplit(')').next().unwrap().split_whitespace().nth(7).unwrap().parse().unwrap()
}

/// The only test in this file: a thread's heap is chosen when it starts.
#[test]
fn memory_is_kept_on_other_threads_too() {
    sd_ops::one_heap();
    sd_ops::keep_memory();
    let faults = std::thread::spawn(|| {
        let tensors = || [1 << 20, 40 << 20, 90 << 20].map(|count| std::hint::black_box(vec![1_u8; count]));
        drop(tensors());
        let before = page_faults();
        (0..5).for_each(|_| drop(tensors()));
        page_faults() - before
    });
    let faults = faults.join().unwrap();
    // The tensors have 33 thousand pages each time.
    assert!(faults < 1000, "{faults} page faults after memory was freed");
}
