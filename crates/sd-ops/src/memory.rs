#![allow(unsafe_code, reason = "calls of the C library, which change its settings")]

/// Upper bound, in elements, on a GPU operator's temporary buffer.
///
/// Attention has two such buffers: its scores in single precision, and its weights in the precision of the tensors. A
/// convolution has one, for the patches that its weights are multiplied with.
pub const SCRATCH: usize = 1 << 26;

/// Makes all threads allocate from one heap of the C library.
///
/// glibc gives each other thread a 64 MiB arena, which it returns to the OS whatever [`keep_memory`] says. A decoder on a
/// thread of the kernels' pool would spend a fifth of its time on getting memory back. Call this first in a program, while
/// it has one thread. It does nothing elsewhere: only glibc has several heaps.
pub fn one_heap() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: `mallopt` may be called at any time and rejects unknown parameters.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}

/// Makes the C library keep the memory of dropped tensors for the next ones.
///
/// By default it returns large blocks to the OS and requests them again, and the OS zeroes every page of 4 KiB first: a
/// fifth of the time of a U-Net's step. Call this once, when the networks are loaded, because weights are read faster into
/// fresh memory from the OS. Only glibc has these settings; with other C libraries it does nothing.
pub fn keep_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: `mallopt` may be called at any time and rejects unknown parameters.
    unsafe {
        // No separate mappings, and up to 2 GiB kept at the end of the heap.
        libc::mallopt(libc::M_MMAP_MAX, 0);
        libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX);
        libc::mallopt(libc::M_TOP_PAD, 64 << 20);
    }
}

/// Returns the memory of dropped tensors to the OS, also what [`keep_memory`] would keep and what lies between tensors that are still
/// there.
///
/// Where maps of a hundred megabytes are replaced piece by piece, the gaps between the pieces add up. Only glibc needs this and has it;
/// with other C libraries it does nothing.
pub fn return_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: `malloc_trim` may be called at any time.
    unsafe {
        libc::malloc_trim(0);
    }
}
