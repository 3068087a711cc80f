#![allow(unsafe_code, reason = "settings of the C library")]

/// How many values an operator of a GPU works with at a time, at most, beside what it reads and gives: attention's
/// scores in single precision, and as weights in that of the tensors; or what a convolution's weights are multiplied with.
pub const SCRATCH: usize = 1 << 26;

/// Has all threads take memory from one heap of the C library.
///
/// Those of other threads than the first consist of pieces of 64 MiB, which go back to the system whatever
/// [`keep_memory`] says, so that a decoder on a thread of the kernels' pool would spend a fifth of its time on being handed
/// out memory. For a program to call first of all, while it has one thread. It is glibc that has several heaps; elsewhere
/// this does nothing.
pub fn one_heap() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: `mallopt` may be called at any time, and refuses what it does not know.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}

/// Has the C library keep the memory that tensors give back, for the next tensors.
///
/// It would return large pieces to the system and ask for them again, and every 4 KiB that the system hands out are zeroed
/// first: a fifth of the time of a U-Net's step. For a program to call once, when its networks are loaded: weights are read
/// faster into memory that comes from the system. Of C libraries it is glibc that has the settings; elsewhere this does
/// nothing.
pub fn keep_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: `mallopt` may be called at any time, and refuses what it does not know.
    unsafe {
        // Nothing in maps of its own, and up to 2 GiB kept at the end of the heap.
        libc::mallopt(libc::M_MMAP_MAX, 0);
        libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX);
        libc::mallopt(libc::M_TOP_PAD, 64 << 20);
    }
}
