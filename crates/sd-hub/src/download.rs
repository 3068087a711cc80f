use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use crate::cache::Repository;
use crate::checksum::checksum;
use crate::client::{Client, Failed, Remote};
use crate::{HubError, ModelId};

/// Number of retries after an interrupted download.
const RETRIES: u32 = 3;
/// The pause before the first retry; it doubles before each further one.
const PAUSE: Duration = Duration::from_millis(300);
/// While another program downloads the same file: the time between checks, and the number of checks.
const WAIT: (Duration, u32) = (Duration::from_millis(100), 50);
/// The number of bytes read at a time.
const BLOCK: usize = 1 << 16;

/// The progress of a download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    /// The file's name in the repository.
    pub file: String,
    /// The number of bytes that have arrived, now or in an earlier attempt.
    pub done: u64,
    /// The size of the file in bytes.
    pub total: u64,
}

/// Downloads a file into a repository's folder, and resumes an earlier attempt.
///
/// `report` receives the progress, and fails to stop the download; the bytes that have arrived are kept then.
pub(crate) fn download(
    client: &Client,
    repository: &Repository,
    model: &ModelId,
    file: &str,
    report: &dyn Fn(Download) -> Result<(), HubError>,
) -> Result<(), HubError> {
    let mut tries = 0;
    loop {
        match attempt(client, repository, model, file, report) {
            Ok(()) => return Ok(()),
            Err(Failed::For(error)) => return Err(error),
            Err(Failed::NothingLeft) if tries < RETRIES => {}
            Err(Failed::Unreached(_)) if tries < RETRIES => sleep(PAUSE * 2_u32.pow(tries)),
            Err(Failed::Unreached(reason)) => return Err(HubError::Broken { file: file.to_string(), reason }),
            Err(Failed::NothingLeft) => {
                let reason = "the hub's file is shorter than the bytes that arrived before".into();
                return Err(HubError::Broken { file: file.to_string(), reason });
            }
        }
        tries += 1;
    }
}

fn attempt(
    client: &Client,
    repository: &Repository,
    model: &ModelId,
    file: &str,
    report: &dyn Fn(Download) -> Result<(), HubError>,
) -> Result<(), Failed> {
    let remote = client.locate(model, file)?;
    if ![&remote.checksum, &remote.commit].into_iter().all(|name| is_name(name)) {
        let reason = format!("it has a file {:?} of commit {:?}", remote.checksum, remote.commit);
        return Err(Failed::For(HubError::Answer { model: model.to_string(), reason }));
    }
    let blob = repository.blob(&remote.checksum);
    let io = |source| Failed::For(HubError::Io { file: blob.clone(), source });
    fs::create_dir_all(blob.parent().expect("it is in `blobs`")).map_err(io)?;
    let lock = locked(&blob.with_extension("lock"))?;
    // Another commit may have the same file.
    if !blob.is_file() {
        let part = blob.with_extension("part");
        load(client, model, &remote, file, &part, report)?;
        fs::rename(&part, &blob).map_err(io)?;
    }
    drop(lock);
    match checksum(&blob, &remote.checksum).map_err(io)? {
        Some(found) if found != remote.checksum => {
            fs::remove_file(&blob).map_err(io)?;
            let (file, expected) = (file.to_string(), remote.checksum);
            return Err(Failed::For(HubError::Checksum { file, expected, found }));
        }
        _ => {}
    }
    let linked = repository.link(&remote.commit, file, &remote.checksum);
    linked.and_then(|()| repository.remember(&model.revision, &remote.commit)).map_err(io)
}

/// Downloads the rest of a file and appends it to the bytes that arrived before.
fn load(
    client: &Client,
    model: &ModelId,
    remote: &Remote,
    file: &str,
    part: &Path,
    report: &dyn Fn(Download) -> Result<(), HubError>,
) -> Result<(), Failed> {
    let io = |source| Failed::For(HubError::Io { file: part.to_path_buf(), source });
    let mut to = OpenOptions::new().append(true).create(true).open(part).map_err(io)?;
    let mut done = to.metadata().map_err(io)?.len();
    let mut rest = match client.read(model, remote, done) {
        Ok(rest) => rest,
        Err(Failed::NothingLeft) => {
            to.set_len(0).map_err(io)?;
            return Err(Failed::NothingLeft);
        }
        Err(failed) => return Err(failed),
    };
    if rest.start != done {
        to.set_len(rest.start).map_err(io)?;
        done = rest.start;
    }
    let mut block = vec![0; BLOCK];
    loop {
        report(Download { file: file.to_string(), done, total: rest.total }).map_err(Failed::For)?;
        let count = rest.reader.read(&mut block).map_err(|error| client.broken(error))?;
        if count == 0 {
            break;
        }
        to.write_all(&block[..count]).map_err(io)?;
        done += count as u64;
    }
    if done == rest.total {
        Ok(())
    } else {
        Err(Failed::Unreached(format!("it ended after {done} of {} bytes", rest.total)))
    }
}

/// Takes the lock of a file that is downloaded. It is released when the returned file is dropped.
fn locked(file: &Path) -> Result<File, Failed> {
    let io = |source| Failed::For(HubError::Io { file: file.to_path_buf(), source });
    let lock = File::create(file).map_err(io)?;
    for _ in 0..WAIT.1 {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(TryLockError::WouldBlock) => sleep(WAIT.0),
            // Some network file systems have no locks.
            Err(TryLockError::Error(_)) => return Ok(lock),
        }
    }
    Err(io(io::Error::other("another program downloads this file: wait for it")))
}

/// Whether a text can only be the name of a file.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}
