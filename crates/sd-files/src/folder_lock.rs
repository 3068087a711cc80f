use std::fs::{self, File, TryLockError};
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::path::Path;

/// Keeps other processes out of a folder until it is dropped or the process ends, in whatever way.
#[derive(Debug)]
pub struct FolderLock {
    /// Closing it releases the lock. The file stays: if it were removed, two processes could each lock a file of that name.
    _file: File,
}

impl FolderLock {
    /// Locks a folder, which is created if it is missing. `what` describes the work to other processes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ResourceBusy`] if another process has locked it, with a message that names the process, and errors of
    /// the system. On a file system without locks it succeeds without one.
    pub fn take(folder: &Path, what: &str) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let file = folder.join("lock");
        let mut file = File::options().read(true).write(true).create(true).truncate(false).open(file)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Some systems refuse to read a locked file.
                let known = file.read_to_string(&mut holder).is_ok() && !holder.trim().is_empty();
                let holder = if known { holder.trim() } else { "another process" };
                let reason = format!("{holder} works in this folder: wait for it to end, or name another folder");
                Err(Error::new(ErrorKind::ResourceBusy, reason))
            }
            Err(TryLockError::Error(_)) => Ok(Self { _file: file }),
            Ok(()) => {
                let words = format!("process {} ({what})\n", std::process::id());
                // If it cannot be written, as on a full disk, only the message above is less precise.
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
    fn a_folder_is_locked_once_at_a_time_and_the_message_names_the_holder() {
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
