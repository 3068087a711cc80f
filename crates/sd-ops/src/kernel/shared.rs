#![expect(unsafe_code, reason = "several threads write parts of one slice")]

/// Memory that several threads write to, each its own part.
pub(super) struct Shared<T>(pub *mut T);

// SAFETY: the parts are disjoint, and no other thread reads one before all are written.
unsafe impl<T> Sync for Shared<T> {}
// SAFETY: as above.
unsafe impl<T> Send for Shared<T> {}

impl<T> Shared<T> {
    /// # Safety
    ///
    /// `start` lies within the memory.
    pub unsafe fn part(&self, start: usize) -> *mut T {
        // SAFETY: the caller's promise.
        unsafe { self.0.add(start) }
    }
}
