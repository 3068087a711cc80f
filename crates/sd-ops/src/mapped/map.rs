#![allow(unsafe_code, reason = "calls of the C library, which maps files")]

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Places are released in units of so many bytes: a page fault also brings the pages around it, from one multiple of 64 KiB
/// to the next.
#[cfg(unix)]
const AROUND: usize = 1 << 16;

/// A file that is mapped into memory, for reading.
#[derive(Debug)]
pub(super) struct Map {
    path: PathBuf,
    #[cfg(unix)]
    start: std::ptr::NonNull<u8>,
    length: usize,
}

// SAFETY: the memory belongs to this value, and is only read.
unsafe impl Send for Map {}
// SAFETY: as above.
unsafe impl Sync for Map {}

impl Map {
    /// The file's path when it was mapped.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether all of a range is in the file.
    pub fn has(&self, range: &Range<usize>) -> bool {
        range.start <= range.end && range.end <= self.length
    }
}

#[cfg(unix)]
impl Map {
    /// Maps a file.
    pub fn open(path: &Path) -> io::Result<Self> {
        use std::os::fd::AsRawFd;

        let file = File::open(path)?;
        let length = usize::try_from(file.metadata()?.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
        // SAFETY: the system chooses an address at which nothing is. The mapping outlives the descriptor.
        let start =
            unsafe { libc::mmap(std::ptr::null_mut(), length, libc::PROT_READ, libc::MAP_SHARED, file.as_raw_fd(), 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = std::ptr::NonNull::new(start.cast()).ok_or(io::ErrorKind::AddrNotAvailable)?;
        Ok(Self { path: path.to_path_buf(), start, length })
    }

    /// Returns bytes of the file.
    ///
    /// # Panics
    ///
    /// Panics if the file ends before the range does.
    pub fn bytes(&self, range: Range<usize>) -> &[u8] {
        assert!(self.has(&range), "{range:?} of {self:?}");
        // SAFETY: they are mapped until this value is dropped. That the file stays as it is, the documentation of
        // `MappedWeights` asks for.
        unsafe { std::slice::from_raw_parts(self.start.add(range.start).as_ptr(), range.len()) }
    }

    /// Tells the system to begin to read bytes that it has not in its cache.
    pub fn read_ahead(&self, range: Range<usize>) {
        self.advise(range, libc::MADV_WILLNEED);
    }

    /// Gives the memory of bytes back, which stay in the system's cache of files.
    pub fn release(&self, range: Range<usize>) {
        self.advise(range, libc::MADV_DONTNEED);
    }

    /// Gives advice of bytes and those around them. Where the system cannot follow it, nothing but time is lost.
    fn advise(&self, range: Range<usize>, advice: libc::c_int) {
        assert!(self.has(&range), "{range:?} of {self:?}");
        // The map begins at a page, but not at a multiple of more.
        let start = self.start.as_ptr() as usize;
        let first = ((start + range.start) & !(AROUND - 1)).max(start);
        let last = (start + range.end).next_multiple_of(AROUND).min(start + self.length);
        // SAFETY: a range of pages of this map. Pages of a file that no one has written to have the same bytes when they are
        // read again.
        unsafe { libc::madvise(self.start.as_ptr().add(first - start).cast(), last - first, advice) };
    }
}

#[cfg(unix)]
impl Drop for Map {
    fn drop(&mut self) {
        // SAFETY: the mapping of `open`, which nothing borrows any more.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.length) };
    }
}

#[cfg(not(unix))]
impl Map {
    pub fn open(path: &Path) -> io::Result<Self> {
        File::open(path)?;
        Err(io::ErrorKind::Unsupported.into())
    }

    pub fn bytes(&self, _: Range<usize>) -> &[u8] {
        unreachable!("no file is mapped on this system")
    }

    pub fn read_ahead(&self, _: Range<usize>) {}

    pub fn release(&self, _: Range<usize>) {}
}
