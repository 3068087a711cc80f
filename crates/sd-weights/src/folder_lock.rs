use std::fs::{self, File, TryLockError};
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::path::Path;

/// A folder that one process at a time works in: until this is dropped, or the process ends in whatever way.
#[derive(Debug)]
pub struct FolderLock {
    /// The system releases its lock when it is closed. The file stays, or the next two could lock a file each.
    _file: File,
}

impl FolderLock {
    /// Takes a folder, which is made where it is missing. `what` tells others what is done there.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ResourceBusy`] where another process has it, in words that name the process, and what the system says.
    /// Where the file system has no locks, all goes on without one.
    pub fn take(folder: &Path, what: &str) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let file = folder.join("lock");
        let mut file = File::options().read(true).write(true).create(true).truncate(false).open(file)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Some systems do not let a locked file be read.
                let known = file.read_to_string(&mut holder).is_ok() && !holder.trim().is_empty();
                let holder = if known { holder.trim() } else { "another process" };
                let reason = format!("{holder} works in this folder: wait for it to end, or name another folder");
                Err(Error::new(ErrorKind::ResourceBusy, reason))
            }
            Err(TryLockError::Error(_)) => Ok(Self { _file: file }),
            Ok(()) => {
                let words = format!("process {} ({what})\n", std::process::id());
                // That it cannot be written, as on a full disk, only matters to the words above.
                let _ = file.set_len(0).and_then(|()| file.write_all(words.as_bytes()));
                Ok(Self { _file: file })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_taken_once_at_a_time_and_who_has_it_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("out");
        let first = FolderLock::take(&folder, "the first training").unwrap();
        let error = FolderLock::take(&folder, "the second training").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ResourceBusy);
        let process = std::process::id();
        #[cfg(unix)]
        assert!(error.to_string().starts_with(&format!("process {process} (the first training) works")), "{error}");
        drop(first);
        FolderLock::take(&folder, "the second training").unwrap();
    }
}
