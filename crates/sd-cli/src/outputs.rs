//! Checks of the files that a command will write, made before it starts.

use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

use sd_image::Format;
use sd_pipeline::Destination;

use crate::failure::Failure;

/// Checks that the file of a flag can be written, and leaves nothing behind.
pub fn check_file(flag: &str, path: &Path) -> Result<Destination, Failure> {
    let to = Destination::from_path(path).map_err(|error| cannot_write(flag, path, path, &error))?;
    if let Destination::File(file) = &to {
        to.check().map_err(|error| cannot_write(flag, path, file, &error))?;
    }
    Ok(to)
}

/// Checks that `named`, which leads to `to`, may be an image: a PNG, JPEG or WebP file, a pipe or a device.
pub fn check_image(flag: &str, named: &Path, to: &Destination) -> Result<(), Failure> {
    match (to, Format::from_path(named)) {
        (Destination::File(_), Err(error)) => Err(Failure::usage(format!("{flag} {error}"))),
        _ => Ok(()),
    }
}

/// Checks that a folder exists or can be made, with its parents, and that files can be written in it.
#[cfg(feature = "evaluate")]
pub fn check_folder(flag: &str, path: &Path) -> Result<(), Failure> {
    let is_missing = |folder: &&Path| match folder.symlink_metadata() {
        Ok(_) => false,
        Err(error) => matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
    };
    let there = path.ancestors().find(|folder| !is_missing(folder)).unwrap_or(Path::new("."));
    let file = there.join("file");
    let checked = Destination::from_path(&file).and_then(|to| to.check());
    checked.map_err(|error| cannot_write(flag, path, &file, &error))
}

/// Says why the path of a flag, which leads to `file`, cannot be written, and what to do.
fn cannot_write(flag: &str, path: &Path, file: &Path, error: &Error) -> Failure {
    let folder = match file.parent() {
        Some(folder) if folder != Path::new("") => folder.display().to_string(),
        _ => "this folder".into(),
    };
    let reason = match error.kind() {
        ErrorKind::NotFound => format!("there is no folder {folder}: make it first, or name another"),
        ErrorKind::NotADirectory => format!("{folder} is not a folder: name another"),
        ErrorKind::IsADirectory => "this is a folder: name a file in it".into(),
        ErrorKind::InvalidFilename => "not a valid file name, or too long: take another".into(),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            format!("nothing can be written in {folder} ({error}): name another folder")
        }
        _ => error.to_string(),
    };
    Failure::new(format!("{flag} {}: {reason}", path.display()))
}

/// The file of image `index` of several, numbered before the extension.
pub fn numbered(file: &Path, index: u64, count: u64) -> PathBuf {
    if count == 1 {
        return file.to_path_buf();
    }
    let mut name = file.file_stem().unwrap_or_default().to_os_string();
    name.push(format!("-{index}"));
    file.with_file_name(name).with_added_extension(file.extension().unwrap_or_default())
}

/// Whether a path is standard output.
pub fn is_stdout(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;

        let place = |path: &Path| path.metadata().map(|metadata| (metadata.dev(), metadata.ino(), metadata.rdev()));
        matches!((place(path), place(Path::new("/dev/stdout"))), (Ok(a), Ok(b)) if a == b)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}
